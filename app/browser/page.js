/* What the browser does by itself on every page of the app. Loaded once a page load; the function at the end is called
   whenever the page has run. */

let open = () => {}; // tells the server which address of this app was chosen

// Links of ours, in HTML of ours, lead on within the session; with a key or another button they do as links do.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".stHtml a[href]");
  if (!link || link.target || link.origin !== location.origin) return;
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link.getAttribute("href"));
});

// Streamlit makes two steps of the history where a page leads to another one with other parameters, the first of them
// to the old page with the new parameters. The second takes its place, unless somebody has done something in between.
const push = history.pushState.bind(history);
const replace = history.replaceState.bind(history);
let pushed = null;
for (const deed of ["pointerdown", "click", "keydown", "popstate"]) addEventListener(deed, () => (pushed = null), true);
history.pushState = (state, unused, address) => {
  const to = new URL(address ?? location.href, location.href);
  const isSecond = pushed?.pathname === location.pathname && pushed.search === to.search && pushed.pathname !== to.pathname;
  if (to.pathname !== location.pathname) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0); // it stays else
  (isSecond ? replace : push)(state, unused, address);
  pushed = to;
};

// What such a button brings takes the place of the whole page, whose address stays: it is read from its top.
document.addEventListener("click", (event) => {
  if (event.target.closest("[class*=st-key-anew] button")) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
});

// On a phone the menu lies over the page that was chosen from it.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-testid=stSidebarNavLink]") || !matchMedia("(max-width: 768px)").matches) return;
  setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
});

export default function ({ setTriggerValue }) {
  open = (address) => setTriggerValue("open", address);
}
