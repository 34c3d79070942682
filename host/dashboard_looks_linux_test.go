package host

import (
	"testing"
)

// checkLooks: light and dark can be read, and nothing is wider than a phone.
func checkLooks(t *testing.T, b *browser, r *rig) {
	b.t = t
	for _, scheme := range []string{"light", "dark"} {
		b.colors(scheme)
		b.size(1280, 1000, false)
		b.picture("wide-" + scheme)
		if worst := eval[[]any](b, contrasts); worst[0].(float64) < 4.5 {
			t.Errorf("%s: the contrast of %q is %v", scheme, worst[1], worst[0])
		}
		b.size(360, 740, true)
		if wide := eval[[]string](b, `
			return [...document.querySelectorAll("body, body *")].filter((e) => e.getBoundingClientRect().right > 360.5 && e.checkVisibility())
				.map((e) => e.tagName + "#" + e.id + "." + e.className)`); len(wide) > 0 {
			t.Errorf("wider than the phone: %q", wide)
		}
		b.picture("phone-" + scheme)
	}
	dark := eval[string](b, "return getComputedStyle(document.documentElement).backgroundColor")
	checkFull(b)
	b.colors("light")
	if light := eval[string](b, "return getComputedStyle(document.documentElement).backgroundColor"); light == dark {
		t.Errorf("light and dark are both %s", light)
	}
	b.size(1280, 1000, false)
}

// checkFull is for the eye: plots with ten minutes in them.
func checkFull(b *browser) {
	if *pictures == "" {
		return
	}
	b.t.Helper()
	eval[any](b, `return import("/dashboard/plots.js").then((plots) => {
		const parent = document.getElementById("plots"), samples = [];
		parent.replaceChildren();
		for (let i = 0; i < 600; i++) {
			const wave = Math.sin(i / 60) + Math.random() / 2, down = i > 400 && i < 420;
			samples.push({ time: 1e12 + i * 1000, seconds: 1, requests: down ? 0 : Math.round(4000 + 1500 * wave), client_errors: Math.round(Math.random() * 20),
				errors: i > 380 && i < 400 ? Math.round(Math.random() * 300) : 0, p50: down ? null : 0.0004 + 0.0001 * wave, p99: down ? null : 0.003 + 0.002 * Math.random(),
				cpu: 0.8 + 0.3 * wave, in_flight: 10, in_use: Math.round(8 + 4 * wave), idle: 20, waiting: i > 380 && i < 400 ? 12 : 0, memory: (40 + i / 30) * 1048576 });
		}
		plots.build(parent, document.getElementById("when"))(samples);
		const box = parent.querySelector(".plot").getBoundingClientRect();
		parent.querySelector("svg").dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: box.left + box.width * 0.65 }));
	})`)
	for _, scheme := range []string{"light", "dark"} {
		b.colors(scheme)
		b.size(1280, 800, false)
		b.picture("full-" + scheme)
		b.size(360, 740, true)
		b.picture("full-phone-" + scheme)
	}
}

// contrasts returns the worst contrast of a text to what is behind it (WCAG 2.2,
// contrast ratio), and the text.
const contrasts = `
	const parse = (c) => c.match(/[\d.]+/g).map(Number);
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
	let worst = [21, ""];
	for (const e of document.querySelectorAll("header *, main *")) {
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
		const a = light(parse(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < worst[0]) worst = [ratio, e.textContent];
	}
	return worst`
