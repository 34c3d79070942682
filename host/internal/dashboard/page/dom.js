// The only ways in which text comes into the page. Names, paths, log lines, stacks
// and error texts are in the hands of guests and clients, so all of it is text and
// nothing is ever read as markup.

export const $ = (id) => document.getElementById(id);

// el makes an element. Children are elements or text.
export function el(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

// set changes a text only when it is another: what somebody has selected or is
// being read aloud stays as it is.
export function set(e, text) {
  text = String(text);
  if (e.textContent !== text) e.textContent = text;
}

// sync makes the children of parent those of items, in that order. An item that
// was there before, by its key, keeps its element, and with it focus and whether
// it is open.
export function sync(parent, items, key, make, update) {
  const old = new Map();
  for (const child of parent.children) old.set(child.dataset.key, child);
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = key(item);
    let child = old.get(k);
    old.delete(k);
    if (!child) {
      child = make(item);
      child.dataset.key = k;
    }
    if (child !== at) parent.insertBefore(child, at);
    else at = at.nextElementSibling;
    update?.(child, item);
  }
  for (const child of old.values()) child.remove();
  const empty = document.querySelector(`[data-for="${parent.id || parent.closest("table").id}"]`);
  if (empty) {
    empty.hidden = items.length > 0;
    (parent.closest(".scroll") ?? parent).hidden = items.length === 0;
  }
}
