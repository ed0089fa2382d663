"""Opens pages of etl report in headless Chromium and checks how they look: page.py CHROMIUM SCREENSHOTS PAGE…

For each page and for 1280 and 360 pixels, light, dark and printed: nothing is logged or asked of a network, nothing reaches
beyond the edge of the window, no text is cut or lies over other text where it must not, and what is drawn has a size. The
screenshots are left for people to look at.
"""
import pathlib
import sys

from playwright.sync_api import sync_playwright

FACTS = """() => {
  const faults = [], box = e => e.getBoundingClientRect(), shown = e => e.checkVisibility();
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth} wide, the window ${root.clientWidth}`);
  for (const e of document.querySelectorAll('body *')) {
    if (!shown(e) || e.closest('.scroll') || e.closest('thead')) continue;
    const b = box(e);
    if (b.right > root.clientWidth + 1 || b.left < -1) faults.push(`<${e.tagName} class="${e.className}"> reaches from ${b.left} to ${b.right}`);
  }
  const cards = [...document.querySelectorAll('.card')].filter(shown).map(box);
  for (let i = 1; i < cards.length; i++)
    if (cards[i].top < cards[i - 1].bottom - 1 && cards[i].left < cards[i - 1].right - 1 && cards[i].right > cards[i - 1].left + 1) faults.push(`cards ${i - 1} and ${i} overlap`);
  for (const e of document.querySelectorAll('svg.histogram')) if (box(e).width < 80 || box(e).height < 20) faults.push(`a histogram of ${box(e).width} by ${box(e).height}`);
  const bar = document.querySelector('.bar.big'), parts = [...bar.children].map(e => box(e).width);
  const filled = parts.reduce((a, b) => a + b, 0);
  if (Math.abs(filled + 2 * (parts.length - 1) - box(bar).width) > 3) faults.push(`the balance fills ${filled} of ${box(bar).width}`);
  for (const row of document.querySelectorAll('.sum div')) if (box(row).height < 30) faults.push('a number of the balance has no room');
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size < ids.length) faults.push('an id occurs twice');
  for (const a of document.querySelectorAll('a[href]')) if (!document.getElementById(a.getAttribute('href').slice(1))) faults.push(`a link to ${a.getAttribute('href')} leads nowhere`);
  for (const e of document.querySelectorAll('svg, [role=img], [role=region]')) if (!e.getAttribute('aria-label')) faults.push(`<${e.tagName}> has no label`);
  return faults;
}"""

# The contrast of text with what lies behind it, by WCAG 2; 4.5 is asked for.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const low = new Set();
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
    let back = e;
    while (back && rgba(getComputedStyle(back).backgroundColor)[3] < 255) back = back.parentElement;
    const a = light(rgba(getComputedStyle(e).color)), b = light(rgba(getComputedStyle(back || document.body).backgroundColor));
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < 4.5) low.add(`<${e.tagName} class="${e.className}">: a contrast of ${contrast.toFixed(2)}`);
  }
  return [...low];
}"""


def main():
    chromium, shots, *pages = sys.argv[1:]
    faults = []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for page in map(pathlib.Path, pages):
            for width, scheme, media in [(1280, "light", "screen"), (1280, "dark", "screen"), (360, "light", "screen"), (360, "dark", "screen"), (794, "light", "print")]:
                name = f"{page.stem}-{width}-{media if media == 'print' else scheme}"
                view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=True)
                view.emulate_media(media=media, color_scheme=scheme)
                said, asked = [], []
                view.on("console", lambda m: said.append(m.text))
                view.on("pageerror", lambda e: said.append(str(e)))
                view.on("request", lambda r: asked.append(r.url))
                view.goto(page.absolute().as_uri())
                for d in view.query_selector_all("details"):
                    d.evaluate("e => e.open = true")
                found = view.evaluate(FACTS) + view.evaluate(CONTRAST) + [f"said: {s}" for s in said] + [f"asked for {u}" for u in asked[1:]]
                faults += [f"{name}: {f}" for f in found]
                view.screenshot(path=f"{shots}/{name}.png", full_page=True)
                view.close()
        browser.close()
    print("\n".join(faults) or f"{len(pages)} pages, no fault; screenshots in {shots}")
    sys.exit(1 if faults else 0)


main()
