// Colours of series: told apart on light and dark ground.

const SERIES = ["#2f7fb8", "#d9822b", "#3a9b6e", "#c0504d", "#8466b8", "#b59a2e", "#3aa6a6", "#d46a9a", "#7a8b99",
    "#8a6a4f",
    "#5b8def", "#9bbf4b"];

export function seriesColor(i) {
    return SERIES[i % SERIES.length];
}

const probe = document.createElement("i");
probe.hidden = true;

/** A colour of the theme as a canvas wants it, by the name of its variable: themeColor("line"). */
export function themeColor(name) {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = `var(--${name})`; // the variable's own text is not a colour yet: light-dark(…)
    return getComputedStyle(probe).color;
}

export function themeFont() {
    return getComputedStyle(document.body).fontFamily;
}

const RAMP = [[68, 84, 160], [42, 130, 170], [58, 165, 120], [180, 180, 70], [225, 135, 60], [205, 70, 70]];

/** From blue (0) over green to red (1). */
export function rampColor(t, alpha = 1) {
    const at = Math.max(0, Math.min(1, t)) * (RAMP.length - 1);
    const i = Math.min(RAMP.length - 2, Math.floor(at));
    const mix = RAMP[i].map((c, k) => Math.round(c + (RAMP[i + 1][k] - c) * (at - i)));
    return `rgb(${mix.join(" ")} / ${alpha})`;
}
