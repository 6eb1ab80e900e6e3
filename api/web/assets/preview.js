// Draws the document that was checked: its pages with the signature fields
// framed and, where it was changed after signing, beside each page what was
// signed, with the pages that were removed, added or moved since. It never leaves
// the browser.
const mostPages = 30;
const width = 640; // CSS pixels of a page at most

const element = (name, cls, text) => {
  const e = document.createElement(name);
  if (cls) e.className = cls;
  if (text) e.textContent = text;
  return e;
};

// draw returns a figure of a page with the canvas it is on.
async function draw(pdf, n, label, words) {
  const page = await pdf.getPage(n);
  const whole = page.getViewport({ scale: 1 });
  const viewport = page.getViewport({ scale: Math.min(4, 2 * width / whole.width, 4000 / whole.height) });
  const canvas = element('canvas');
  canvas.width = Math.ceil(viewport.width);
  canvas.height = Math.ceil(viewport.height);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  await page.render({ canvas, canvasContext: context, viewport }).promise;
  const sheet = element('div', 'leaf');
  sheet.append(canvas);
  for (const a of await page.getAnnotations()) {
    if (a.fieldType !== 'Sig') continue;
    const [x1, y1] = viewport.convertToViewportPoint(a.rect[0], a.rect[1]);
    const [x2, y2] = viewport.convertToViewportPoint(a.rect[2], a.rect[3]);
    if (x1 === x2 || y1 === y2) continue;
    const frame = element('span', 'field');
    frame.title = `${words.field}: ${a.fieldName}`;
    frame.style.left = `${100 * Math.min(x1, x2) / viewport.width}%`;
    frame.style.top = `${100 * Math.min(y1, y2) / viewport.height}%`;
    frame.style.width = `${100 * Math.abs(x1 - x2) / viewport.width}%`;
    frame.style.height = `${100 * Math.abs(y1 - y2) / viewport.height}%`;
    sheet.append(frame);
  }
  page.cleanup();
  return { sheet, canvas };
}

const pixels = canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const alike = (a, b) => a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 8);
const same = (a, b) => a.canvas.width === b.canvas.width && alike(pixels(a.canvas), pixels(b.canvas));

const grid = 32; // samples of a page in each direction

// print gives a page what it is found again by: a number that equal pages share,
// and how dark it is where.
function print(drawn) {
  const { width, height } = drawn.canvas;
  const data = pixels(drawn.canvas);
  let sum = width;
  for (const v of new Uint32Array(data.buffer)) sum = Math.imul(sum ^ v, 16777619);
  drawn.sum = sum;
  drawn.dark = new Float64Array(grid * grid);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y * grid / height) * grid;
    for (let x = 0; x < width; x++) drawn.dark[row + Math.floor(x * grid / width)] += 255 - data[4 * (y * width + x) + 1];
  }
  for (let i = 0; i < drawn.dark.length; i++) drawn.dark[i] *= grid * grid / (255 * width * height);
  return drawn;
}

// distance is 0 for pages that are dark in the same places, and 1 at most.
const distance = (a, b) => a.dark.reduce((d, v, i) => d + Math.abs(v - b.dark[i]), 0) / (grid * grid);

// pairs finds partners in two rows of pages without crossing, so that worth is
// the greatest in all; what is worth nothing is no pair.
function pairs(old, now, worth) {
  const best = Array.from({ length: old.length + 1 }, () => new Float64Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], worth(old[i], now[j]) + best[i + 1][j + 1]);
    }
  }
  const found = [];
  for (let i = 0, j = 0; i < old.length && j < now.length;) {
    const w = worth(old[i], now[j]);
    if (w > 0 && best[i][j] === w + best[i + 1][j + 1]) found.push([old[i++], now[j++]]);
    else if (best[i][j] === best[i + 1][j]) i++;
    else j++;
  }
  return found;
}

// match pairs the pages of before with those of now: the equal ones that kept
// their order, then equal ones that moved, and between those what looks most
// alike. A page of which there is a partner has it as twin, and how it stands to it.
function match(old, now) {
  const equal = (a, b) => a.sum === b.sum && same(a, b);
  const marry = (a, b, how) => { Object.assign(a, { twin: b, how }); Object.assign(b, { twin: a, how }); };
  const kept = pairs(old, now, (a, b) => a.sum === b.sum ? 1 : 0).filter(([a, b]) => equal(a, b));
  for (const [a, b] of kept) marry(a, b, 'same');
  for (const a of old) {
    const b = a.twin ? null : now.find(b => !b.twin && equal(a, b));
    if (b) marry(a, b, 'moved');
  }
  const between = (row, from, to) => row.slice(from ? row.indexOf(from) + 1 : 0, to ? row.indexOf(to) : row.length).filter(p => !p.twin);
  let [a, b] = [null, null];
  for (const [nextA, nextB] of [...kept, [null, null]]) {
    for (const [x, y] of pairs(between(old, a, nextA), between(now, b, nextB), (x, y) => 2 - distance(x, y))) marry(x, y, same(x, y) ? 'same' : 'differs');
    [a, b] = [nextA, nextB];
  }
}

// spread is a row of a page before and now, either of which may be missing: how is
// the word for that.
function spread(old, now, how, words) {
  const row = element('div', 'spread');
  row.classList.toggle('differs', how !== 'same' && how !== 'unseen');
  const was = old ? words.was.replace('%d', old.n) : '';
  let label = now ? words.page.replace('%d', now.n) : was[0].toUpperCase() + was.slice(1);
  if (old && now && old.n !== now.n) label += ` (${was})`;
  for (const [drawn, title] of [[old, words.then], [now, words.now]]) {
    const figure = element('figure');
    figure.append(element('figcaption', '', title), drawn ? drawn.sheet : element('p', 'absent', words[how]));
    row.append(figure);
  }
  return [element('h3', '', `${label}: ${words[how]}`), row];
}

// compare shows before and now side by side.
async function compare(place, then, now, most, words) {
  const read = async (pdf, title) => {
    const all = [];
    for (let n = 1; n <= Math.min(pdf.numPages, most); n++) {
      all.push(Object.assign(print(await draw(pdf, n, `${words.page.replace('%d', n)}, ${title}`, words)), { n }));
    }
    return all;
  };
  const old = await read(then, words.then);
  const present = await read(now, words.now);
  match(old, present);
  if (then.numPages !== now.numPages) {
    place.append(element('p', 'fault', words.counts.replace('%d', then.numPages).replace('%d', now.numPages)));
  }
  const left = [...old];
  // Pairs in their order do not cross: what stands before the next one is gone, or is
  // shown where it has moved to.
  const gone = () => {
    while (left.length && (!left[0].twin || left[0].how === 'moved')) {
      const page = left.shift();
      if (!page.twin) place.append(...spread(page, null, now.numPages > most ? 'unseen' : 'removed', words));
    }
  };
  for (const page of present) {
    gone();
    if (page.twin && page.how !== 'moved') left.shift();
    place.append(...spread(page.twin, page, page.how || (then.numPages > most ? 'unseen' : 'added'), words));
  }
  gone();
}

export async function preview(section, file, password) {
  const words = section.dataset;
  const place = section.querySelector('.leaves');
  place.replaceChildren();
  section.setAttribute('aria-busy', 'true');
  try {
    const pdfjs = await import(words.library);
    pdfjs.GlobalWorkerOptions.workerSrc = words.worker;
    const open = async blob => pdfjs.getDocument({
      data: new Uint8Array(await blob.arrayBuffer()), password, isEvalSupported: false, enableXfa: false, useSystemFonts: true,
      stopAtErrors: false, useWasm: false,
    }).promise;
    const before = Number(words.before || 0);
    const most = Number(words.most || mostPages);
    const now = await open(words.end ? file.slice(0, Number(words.end)) : file);
    const then = before ? await open(file.slice(0, before)).catch(() => null) : null;
    if (then) {
      await compare(place, then, now, most, words);
    } else {
      if (before) place.append(element('p', 'fault', words.unopened));
      for (let n = 1; n <= Math.min(now.numPages, most); n++) {
        const label = words.page.replace('%d', n);
        const row = element('div', 'single');
        row.append((await draw(now, n, label, words)).sheet);
        place.append(element('h3', '', label), row);
      }
    }
    if (words.more && Math.max(now.numPages, then ? then.numPages : 0) > most) place.append(element('p', 'hint', words.more.replace('%d', most)));
    await now.loadingTask.destroy();
    if (then) await then.loadingTask.destroy();
  } catch (cause) {
    section.dataset.cause = String(cause); // for who reports it
    place.append(element('p', 'fault', words.failed));
  }
  section.removeAttribute('aria-busy');
}
