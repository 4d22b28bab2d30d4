// The little that must happen in the browser: theme, time zone, copying, shortcuts, closing the menu. No framework, no inline script.
(function () {
  'use strict';

  const year = 365 * 24 * 3600;
  const keep = (name, value) => {
    const secure = location.protocol === 'https:' ? '; secure' : '';
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${year}; samesite=lax${secure}`;
  };

  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
  keep('zone', zone());

  function setTheme(theme) {
    const set = (id, used, media) => {
      const link = document.getElementById(id);
      link.media = media;
      link.disabled = !used;
    };
    const system = theme === 'system';
    set('theme-light', theme !== 'dark', system ? '(prefers-color-scheme: light)' : 'all');
    set('theme-dark', theme !== 'light', system ? '(prefers-color-scheme: dark)' : 'all');
    document.documentElement.dataset.theme = theme;
    keep('theme', theme);
  }

  // For the buttons' pressed state: they are re-drawn by pages, so the state is put on by style (see app.css) and told here.
  function tellPressed() {
    const theme = document.documentElement.dataset.theme;
    for (const button of document.querySelectorAll('[data-set-theme]'))
      button.setAttribute('aria-pressed', String(button.dataset.setTheme === theme));
  }

  // Leaving a field may take its message away and move the page; between a button's press and its release that would lose the click.
  // So the field is left with the click itself, just before it.
  const presses = event => event.target.closest('button, a.button') && document.activeElement.matches('input, textarea');
  document.addEventListener('mousedown', event => {
    if (event.button === 0 && presses(event)) event.preventDefault();
  });
  document.addEventListener('click', event => {
    if (presses(event) && event.detail > 0) event.target.closest('button, a.button').focus();
  }, true);

  document.addEventListener('click', async event => {
    const theme = event.target.closest('[data-set-theme]');
    if (theme) {
      setTheme(theme.dataset.setTheme);
      tellPressed();
    }

    const opener = event.target.closest('[data-open]');
    if (opener) document.getElementById(opener.dataset.open).showModal();

    const copy = event.target.closest('[data-copy]');
    if (copy) {
      const source = document.getElementById(copy.dataset.copy);
      const words = copy.querySelector('span');
      // Browsers give the clipboard to https and localhost only; elsewhere the text is selected for copying by hand.
      if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
      else getSelection().selectAllChildren(source);
      words.textContent = navigator.clipboard ? 'Copied' : 'Press Ctrl+C';
      setTimeout(() => { words.textContent = 'Copy'; }, 2000);
    }

    // The drawer of narrow screens stays open over the next page otherwise.
    const drawer = event.target.closest('[popover]:popover-open');
    if (drawer && event.target.closest('a')) drawer.hidePopover();
  });

  // Shortcuts: single keys, never while somebody types or with Ctrl, Alt or Meta, which belong to the browser.
  const places = { o: '/', s: '/servers', c: '/schedule', a: '/audit' };
  let going = 0;
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest('input, textarea, select, [contenteditable]') || document.querySelector('dialog[open], .rz-dialog')) return;
    const key = event.key;
    const afterG = event.timeStamp < going;
    going = 0;
    if (afterG && places[key]) document.querySelector(`.nav a[href="${places[key]}"]`)?.click();
    else if (key === 'g') going = event.timeStamp + 1500;
    else if (key === '?') document.getElementById('shortcuts')?.showModal();
    else if (key === '/') document.querySelector('main input[type=search], main .filters input')?.focus();
    else if (/^[a-z]$/.test(key)) document.querySelector(`[data-shortcut="${key}"]`)?.click();
    else return;
    event.preventDefault();
  });

  new MutationObserver(tellPressed).observe(document.body, { childList: true, subtree: true });
  tellPressed();

  // Blazor's script tries the old circuit for a while. Gone for good: reload. Given up: reload as soon as the server answers.
  const lost = document.getElementById('components-reconnect-modal');
  let waiting = false;
  if (lost) new MutationObserver(async () => {
    if (lost.classList.contains('components-reconnect-rejected')) location.reload();
    if (!lost.classList.contains('components-reconnect-failed') || waiting) return;
    waiting = true;
    for (;;) {
      const answer = await fetch('/health').catch(() => null);
      if (answer && answer.ok) break;
      await new Promise(done => setTimeout(done, 3000));
    }
    location.reload();
  }).observe(lost, { attributes: true, attributeFilter: ['class'] });

  // What is typed into the page as the server drew it first, before its circuit runs and draws it anew: kept, and typed again.
  const early = new Map();
  const isLive = () => 'live' in document.documentElement.dataset;
  document.addEventListener('input', event => {
    const field = event.target;
    if (!isLive() && field.id && field.closest('main')) early.set(field.id, { value: field.value, checked: field.checked });
  });

  // What was typed before even this script had come.
  for (const field of document.querySelectorAll('main input[id], main textarea[id]'))
    if (field.value !== field.defaultValue || !!field.checked !== !!field.defaultChecked) early.set(field.id, { value: field.value, checked: field.checked });

  function typeAgain(focused) {
    for (const [id, { value, checked }] of early) {
      const field = document.getElementById(id);
      if (!field) continue;
      early.delete(id);
      if (field.value === value && field.checked === checked) continue;
      field.value = value;
      if (checked !== undefined) field.checked = checked;
      for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));
    }
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  }

  // Called by each circuit once it runs; the mark tells tests and styles that clicks are answered.
  function live() {
    const focused = lastFocus;
    document.documentElement.dataset.live = '';
    if (early.size > 0) {
      // Parts of the page that wait for the database come a little later.
      const later = new MutationObserver(() => typeAgain(focused));
      later.observe(document.body, { childList: true, subtree: true });
      setTimeout(() => { later.disconnect(); early.clear(); }, 5000);
      typeAgain(focused);
    }
    return zone();
  }

  let lastFocus = '';
  document.addEventListener('focusin', event => { if (!isLive()) lastFocus = event.target.id; });

  // After errors were shown or a step was changed: the place the person should be at next.
  const focusOn = selector => document.querySelector(selector)?.focus();

  // Radzen puts the focus on a dialog's first field half a second after it has opened. Whoever is typing in another one by then stays there.
  document.addEventListener('DOMContentLoaded', () => {
    const first = Radzen.focusFirstFocusableElement;
    Radzen.focusFirstFocusableElement = dialog => { if (!dialog.contains(document.activeElement)) first(dialog); };
  });

  window.dashboard = { live, focusOn };
})();
