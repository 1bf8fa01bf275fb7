"use strict";

// What all pages build their content with. What comes from the server is data: it is set as text, never as markup.

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// A name from right to left must not turn the words around it.
function isolated(text) {
  return element("bdi", text, { dir: "auto" });
}
