// Draws the document that was checked: its pages with the signature fields
// framed and, where it was changed after signing, beside each page what was
// signed. It never leaves the browser.
const mostPages = 30;
const width = 640; // CSS pixels of a page at most

const element = (name, cls, text) => {
  const e = document.createElement(name);
  if (cls) e.className = cls;
  if (text) e.textContent = text;
  return e;
};

// draw returns a figure of a page, and its pixels to compare.
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
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  page.cleanup();
  return { sheet, pixels };
}

const same = (a, b) => a.length === b.length && a.every((v, i) => Math.abs(v - b[i]) < 8);

export async function preview(section, file, password) {
  const words = section.dataset;
  const place = section.querySelector('.leaves');
  place.replaceChildren();
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
    for (let n = 1; n <= Math.min(now.numPages, most); n++) {
      const label = words.page.replace('%d', n);
      const row = element('div', then ? 'spread' : 'single');
      const present = await draw(now, n, then ? `${label}, ${words.now}` : label, words);
      let caption = label;
      if (then) {
        const old = n <= then.numPages ? await draw(then, n, `${label}, ${words.then}`, words) : null;
        const equal = old !== null && same(old.pixels, present.pixels);
        row.classList.toggle('differs', !equal);
        caption += `: ${equal ? words.same : words.differs}`;
        for (const [drawn, title] of [[old, words.then], [present, words.now]]) {
          const figure = element('figure');
          figure.append(element('figcaption', '', title));
          if (drawn) figure.append(drawn.sheet);
          row.append(figure);
        }
      } else {
        row.append(present.sheet);
      }
      place.append(element('h3', '', caption), row);
    }
    if (words.more && now.numPages > most) place.append(element('p', 'hint', words.more.replace('%d', most)));
    await now.loadingTask.destroy();
    if (then) await then.loadingTask.destroy();
  } catch (cause) {
    section.dataset.cause = String(cause); // for who reports it
    place.append(element('p', 'fault', words.failed));
  }
}
