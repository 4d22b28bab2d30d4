// The little that must happen in the browser: theme, time zone, copying, closing the menu. No framework, no inline script.
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

  document.addEventListener('click', async event => {
    const theme = event.target.closest('[data-set-theme]');
    if (theme) {
      setTheme(theme.dataset.setTheme);
      tellPressed();
    }

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

  // Called by each circuit once it runs; the mark tells tests and styles that clicks are answered.
  function live() {
    document.documentElement.dataset.live = '';
    return zone();
  }

  // After errors were shown or a step was changed: the place the person should be at next.
  const focusOn = selector => document.querySelector(selector)?.focus();

  window.dashboard = { live, focusOn };
})();
