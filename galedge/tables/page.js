"use strict";
// What a page of pictures holds: its columns, rows, and thumbnails on sheets.
// Nothing here parses text as HTML: names and headers are set as text only.
const $ = id => document.getElementById(id);
const make = (tag, text, kind) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
};
const page = JSON.parse($("page").textContent);
const at = Object.fromEntries(page.columns.map((column, i) => [column.name, i]));
const ACROSS = page.across;
const parts = [...document.querySelectorAll("script.rows")].map(element => JSON.parse(element.textContent));
const rows = parts.flat();
// The sheet that each row is on, and the first row of each sheet.
const sheetOf = Uint32Array.from(parts.flatMap((part, number) => part.map(() => number)));
const firsts = parts.reduce((all, part) => [...all, all[all.length - 1] + part.length], [0]);
const sheets = [...document.querySelectorAll("script.sheet")];
const urls = [];
const get = (row, name) => at[name] === undefined ? null : row[at[name]];
const names = rows.map(row => get(row, "object") || (get(row, "path") || "").split("/").pop() || "unnamed");

// Sheets become images when a thumbnail on them is first shown.
function sheet(number) {
  if (urls[number] === undefined) {
    const letters = atob(sheets[number].textContent), bytes = new Uint8Array(letters.length);
    for (let n = 0; n < letters.length; n++) bytes[n] = letters.charCodeAt(n);
    urls[number] = bytes.length ? URL.createObjectURL(new Blob([bytes], {type: "image/jpeg"})) : null;
    sheets[number].remove();
  }
  return urls[number];
}
