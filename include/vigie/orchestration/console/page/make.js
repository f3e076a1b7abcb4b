// Makes elements; text is only ever text, whatever a feed or an error is called.

const SVG = "http://www.w3.org/2000/svg";

export function make(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function draw(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Writes only what changed, so that a selection, a focus, a screen reader is left alone.
export function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
