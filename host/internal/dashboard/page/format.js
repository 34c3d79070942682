// How figures are written. Nothing here touches the page.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function count(n) { return whole.format(n); }

export function rate(n) {
  if (n === 0) return "0";
  if (n < 0.1) return "<0.1";
  return n < 100 ? n.toFixed(1) : count(n);
}

// number writes a number with about three significant digits.
export function number(n) {
  if (n === 0) return "0";
  return n >= 100 ? count(n) : n.toFixed(n >= 10 ? 1 : 2).replace(/\.0+$/, "");
}

export function seconds(s) {
  if (s === null || s === undefined) return "–";
  if (s < 1e-3) return whole.format(s * 1e6) + " µs";
  if (s < 1) return number(s * 1e3) + " ms";
  return number(s) + " s";
}

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return number(n) + " " + units[i];
}

export function share(n) { return number(n * 100) + " %"; }

export function duration(s) {
  s = Math.max(0, Math.round(s));
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  if (d) return `${d} d ${h} h`;
  if (h) return `${h} h ${m} min`;
  return m ? `${m} min ${s % 60} s` : `${s} s`;
}

// clock is the time of day, with the date when it is not today.
export function clock(when) {
  const t = new Date(when), two = (n) => String(n).padStart(2, "0");
  const day = t.toDateString() === new Date().toDateString() ? "" : `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} `;
  return `${day}${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}
