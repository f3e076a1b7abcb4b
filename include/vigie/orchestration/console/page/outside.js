// Airflow shows this page in a frame that may neither open windows nor move the one around it.
// Both have one origin, so what leaves the frame is clicked in the document around it.

function around() {
  try {
    return window.parent === window ? null : window.parent.document;
  } catch {
    return null;
  }
}

export function letLinksLeave() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const outer = around();
    if (!link || !outer || event.defaultPrevented) return;
    event.preventDefault();
    const twin = outer.createElement("a");
    twin.href = link.href;
    twin.target = link.target || (event.ctrlKey || event.metaKey ? "_blank" : "_self");
    twin.rel = "noopener";
    outer.body.append(twin);
    twin.click();
    twin.remove();
  });
}

// Airflow lets its user choose light or dark; alone in a window the system's choice holds.
export function followAirflowsColours() {
  const root = around()?.documentElement;
  if (!root) return;
  const follow = () => {
    const dark = root.classList.contains("dark") || root.style.colorScheme === "dark";
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
  };
  new MutationObserver(follow).observe(root, { attributes: true });
  follow();
}
