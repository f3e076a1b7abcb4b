// Numbers and moments as people read them; moments are UTC, as everywhere in Vigie.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SMALL = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const number = (value) =>
  value === null || value === undefined ? "–" : value >= 100 ? WHOLE.format(value) : SMALL.format(value);

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(seconds, 0);
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

export const ago = (moment, now) => (moment ? `${duration((now - Date.parse(moment)) / 1000)} ago` : "never");

export const clock = (moment) => new Date(moment).toISOString().slice(11, 19);

export function when(moment) {
  return moment ? new Date(moment).toISOString().slice(0, 19).replace("T", " ") : "never";
}
