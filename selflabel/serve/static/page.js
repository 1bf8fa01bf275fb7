"use strict";

// What all pages build their content with. What comes from the server is data: it is set as text, never as markup.

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The letter or digit on the key: some keyboards need Shift for digits, or write other letters.
function plainName(event) {
  const { key, code } = event;
  if (/^Digit\d$/.test(code) && !event.shiftKey) return code.slice(5);
  if (/^Key[A-Z]$/.test(code) && !/^[\x20-\x7e]$/.test(key)) return code.slice(3).toLowerCase();
  return key.length === 1 ? key.toLowerCase() : key;
}

// A name from right to left must not turn the words around it.
function isolated(text) {
  return element("bdi", text, { dir: "auto" });
}
