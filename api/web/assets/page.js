// What pages do better with a script: an upload that shows how far it is, a
// result without reload, downloads without a second upload. Nothing is kept
// beyond the page.
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('script');
  let held = null; // the file that the page is about
  let password = '';
  let request = null;

  const say = text => { document.getElementById('live').textContent = text; };
  const restore = () => {
    root.classList.toggle('held', held !== null);
    for (const form of document.querySelectorAll('form[data-held]')) {
      for (const input of form.querySelectorAll('input[type=file]')) {
        input.required = held === null;
        input.disabled = held !== null;
      }
    }
    const first = held && document.querySelector('[data-first][data-module]');
    if (first) import(first.dataset.module).then(m => m.preview(first, held, password));
    const zone = localStorageGet('zone') || guess();
    const radio = zone && document.querySelector(`input[name=zone][value=${zone}]`);
    if (radio) radio.checked = true;
  };
  const localStorageGet = key => {
    try { const v = localStorage.getItem(key); return /^(wib|wita|wit)$/.test(v) ? v : null; } catch { return null; }
  };
  const guess = () => ({
    'Asia/Jakarta': 'wib', 'Asia/Pontianak': 'wib', 'Asia/Makassar': 'wita', 'Asia/Jayapura': 'wit',
  })[Intl.DateTimeFormat().resolvedOptions().timeZone];

  // show puts the page that was answered in the place of this one.
  const show = (html, address, remember) => {
    const next = new DOMParser().parseFromString(html, 'text/html');
    root.lang = next.documentElement.lang;
    document.title = next.title;
    for (const part of ['header', 'main', 'footer']) {
      document.querySelector(part).replaceWith(document.adoptNode(next.querySelector(part)));
    }
    if (remember) history.pushState({ result: true }, '', address);
    restore();
    window.scrollTo(0, 0);
    const heading = document.getElementById('result') || document.getElementById('main');
    heading.focus({ preventScroll: true });
  };

  const fault = (form, text) => {
    const place = form.querySelector('.fault');
    if (place) { place.hidden = false; place.textContent = text; }
    const progress = form.querySelector('.progress');
    if (progress) progress.hidden = true;
    form.classList.remove('busy');
    request = null;
  };

  // send uploads a form with a file; done gets the request once it is answered.
  const send = (form, data, type, done) => {
    if (request) request.abort();
    const progress = form.querySelector('.progress');
    const bar = form.querySelector('progress');
    const said = form.querySelector('.said');
    const place = form.querySelector('.fault');
    if (place) place.hidden = true;
    form.classList.add('busy');
    if (progress) {
      progress.hidden = false;
      form.querySelector('.file-name').textContent = data.get('document').name;
      bar.value = 0;
    }
    let spoken = -1;
    const step = (loaded, total) => {
      const percent = total ? Math.floor(100 * loaded / total) : 0;
      if (bar) { bar.value = percent; bar.textContent = percent + ' %'; }
      if (said) said.textContent = `${form.dataset.uploading} ${percent} %`;
      if (form.dataset.uploading && Math.floor(percent / 25) > spoken) {
        spoken = Math.floor(percent / 25);
        say(`${form.dataset.uploading} ${percent} %`);
      }
    };
    const xhr = request = new XMLHttpRequest();
    xhr.open('POST', form.action);
    xhr.responseType = type;
    xhr.upload.onprogress = e => step(e.loaded, e.lengthComputable ? e.total : 0);
    xhr.upload.onload = () => {
      if (bar) bar.removeAttribute('value');
      if (said) said.textContent = form.dataset.checking;
      if (form.dataset.checking) say(form.dataset.checking);
    };
    xhr.onerror = () => fault(form, form.dataset.broken);
    xhr.onload = () => { request = null; form.classList.remove('busy'); say(''); done(xhr); };
    xhr.send(data);
  };

  const submit = (form, file) => {
    if (file.size > Number(form.dataset.limit)) return fault(form, form.dataset.large);
    const data = new FormData(form);
    data.set('document', file, file.name);
    password = data.get('password') || '';
    const before = held;
    held = file;
    send(form, data, 'text', xhr => {
      if (!xhr.responseText) { held = before; return fault(form, form.dataset.broken); }
      show(xhr.responseText, form.action, true);
    });
  };

  const save = (blob, name) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  document.addEventListener('change', e => {
    const form = e.target.form;
    if (e.target.name === 'zone') {
      try { localStorage.setItem('zone', e.target.value); } catch { /* it is a comfort */ }
    } else if (e.target.type === 'file' && form && form.matches('form.upload') && e.target.files.length) {
      // A file with a password waits for the button.
      if (!form.querySelector('details.password[open]')) submit(form, e.target.files[0]);
    } else if (e.target.type === 'file' && e.target.dataset.limit) {
      const file = e.target.files[0];
      e.target.setCustomValidity(file && file.size > Number(e.target.dataset.limit) ? e.target.dataset.large : '');
      e.target.reportValidity();
    }
  });

  document.addEventListener('toggle', e => {
    if (e.target.matches && e.target.matches('details.password')) e.target.closest('form').classList.toggle('waits', e.target.open);
  }, true);

  document.addEventListener('submit', e => {
    const form = e.target;
    if (form.matches('[data-slice]') && held) {
      e.preventDefault();
      save(held.slice(0, Number(form.dataset.slice), 'application/pdf'), form.dataset.save);
    } else if (form.matches('[data-save]') && held) {
      e.preventDefault();
      const data = new FormData(form);
      data.set('document', held, held.name);
      if (password) data.set('password', password);
      send(form, data, 'blob', async xhr => {
        if (xhr.status === 200) save(xhr.response, form.dataset.save);
        else show(await xhr.response.text(), form.action, false);
      });
    } else if (form.matches('[data-upload]')) {
      const input = form.querySelector('input[type=file]');
      const file = form.matches('[data-held]') && held ? held : input && input.files[0];
      if (file) { e.preventDefault(); submit(form, file); }
    }
  });

  document.addEventListener('click', e => {
    const button = e.target.closest('button, a');
    if (!button) return;
    if (button.matches('[data-cancel]') && request) {
      const form = button.closest('form');
      request.abort();
      fault(form, '');
      form.querySelector('.fault').hidden = true;
      held = null;
      form.reset();
      form.querySelector('input[type=file]').focus();
    } else if (button.matches('[data-preview]') && held) {
      const section = button.closest('section');
      button.hidden = true;
      import(section.dataset.module).then(m => m.preview(section, held, password));
    } else if (button.matches('[data-copy]')) {
      const text = document.getElementById(button.dataset.copy).textContent;
      const copied = () => { button.textContent = button.dataset.copied; say(button.dataset.copied); };
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(copied);
      else { // no secure context
        getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
        if (document.execCommand('copy')) copied();
      }
    } else if (button.id === 'language' && held && document.getElementById('result')) {
      // The result in the other language: the same file once more.
      e.preventDefault();
      const form = document.createElement('form');
      form.action = button.href;
      const data = new FormData();
      data.set('document', held, held.name);
      if (password) data.set('password', password);
      send(form, data, 'text', xhr => { if (xhr.responseText) show(xhr.responseText, button.href, true); });
    }
  });

  // Files may be dropped anywhere on a page that has a place for one.
  const target = () => document.querySelector('form.upload');
  const files = e => e.dataTransfer && [...e.dataTransfer.types].includes('Files');
  let over = 0;
  const mark = () => { const f = target(); if (f) f.classList.toggle('over', over > 0); };
  addEventListener('dragenter', e => { if (files(e)) { over++; mark(); e.preventDefault(); } });
  addEventListener('dragleave', e => { if (files(e)) { over = Math.max(0, over - 1); mark(); } });
  addEventListener('dragover', e => { if (files(e)) e.preventDefault(); });
  addEventListener('drop', e => {
    if (!files(e)) return;
    e.preventDefault();
    over = 0;
    mark();
    const form = target(), file = e.dataTransfer.files[0];
    if (!form || !file) return;
    if (file.type && file.type !== 'application/pdf' && !/\.pdf$/i.test(file.name)) return fault(form, form.dataset.other);
    submit(form, file);
  });

  addEventListener('popstate', () => location.reload());
  // A page of the console that the browser has kept whole may be of a session
  // that is over.
  addEventListener('pageshow', e => { if (e.persisted && document.body.classList.contains('console')) location.reload(); });
  restore();
})();
