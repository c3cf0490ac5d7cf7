// SPDX-License-Identifier: Apache-2.0
// One line that says what is under way, for how long, and how long it usually takes. Quiet below two seconds.

/** `75` -> `1 min 15 s`. @param {number} seconds */
export function formatSeconds(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * Runs `work`; after two seconds tells that it is under way, then every second on a terminal, else every 30 seconds.
 * @template T
 * @param {{ title: string, usualSeconds?: number, say?: (line: string) => void }} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withProgress(what, work) {
  const live = what.say === undefined && process.stderr.isTTY;
  const say = what.say ?? ((line) => process.stderr.write(`${line}\n`));
  const start = Date.now();
  const elapsed = () => (Date.now() - start) / 1000;
  const usually = what.usualSeconds === undefined ? '' : `, usually ${formatSeconds(what.usualSeconds)}`;
  let told = false;
  const tell = () => {
    told = true;
    const line = `${what.title} … ${formatSeconds(elapsed())}${usually}`;
    if (live) process.stderr.write(`\r\u001b[2K${line}`);
    else say(line);
  };
  let timer = setTimeout(function again() {
    tell();
    timer = setTimeout(again, live ? 1000 : 30_000);
  }, 2000);
  try {
    const result = await work();
    if (told) say(`${live ? '\r\u001b[2K' : ''}${what.title}: done in ${formatSeconds(elapsed())}`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
