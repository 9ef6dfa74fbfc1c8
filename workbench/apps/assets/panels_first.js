// Before Bokeh and Panel: styles that they make carry the page's nonce, and modules are imported by the browser itself.
"use strict";
{
  const { nonce } = document.currentScript;
  const make = document.createElement.bind(document);
  document.createElement = (tag, options) => {
    const made = make(tag, options);
    if (String(tag).toLowerCase() === "style") made.nonce = nonce;
    return made;
  };
  window.importShim = Object.assign((address) => import(address), { addImportMap() {} });
}
