// SPDX-License-Identifier: Apache-2.0
// What must hold of the judge whatever is counted.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betIncrements, dispersionOf, logMean, stakeEvidence, type Line } from './bet.ts';
import { judgeSlot, judgeSlots, judgeState, startJudge } from './judge.ts';
import { judgeDefaults, planJudge, type MetricPlan } from './settings.ts';
import type { ArmCounts, Slot } from './slot.ts';

const { alarmBets, promoteBets } = judgeDefaults;
const seeded = { seed: 20_261_121, numRuns: 200 };
const counts = (most = 400): fc.Arbitrary<ArmCounts> => fc.integer({ min: 0, max: most }).chain((requests) => fc.record({ requests: fc.constant(requests), failures: fc.integer({ min: 0, max: requests }) }));
const pairs = fc.record({ baseline: counts(), canary: counts() });
const slots = (names: readonly string[]): fc.Arbitrary<Slot[]> =>
  fc.array(fc.record(Object.fromEntries(names.map((name) => [name, pairs]))), { minLength: 1, maxLength: 40 })
    .map((list) => list.map((metrics, index) => ({ elapsedSeconds: (index + 1) * 5, metrics })));
const plan = (names: readonly string[], more: Partial<MetricPlan> = {}) => planJudge({ metrics: names.map((name) => ({ name, historyRho: 0.001, ...more })) });

/** Probabilities of 0, 1, 2 ... failures of `requests`, each by itself with `share`. */
function binomial(requests: number, share: number): number[] {
  const odds = [(1 - share) ** requests];
  for (let k = 1; k <= requests; k += 1) odds.push(((odds[k - 1] ?? 0) * (requests - k + 1) * share) / (k * (1 - share)));
  return odds;
}

/** Gamma-Poisson counts of this mean whose variance is `phi` times the mean. */
function gammaPoisson(mean: number, phi: number): number[] {
  const size = mean / (phi - 1);
  const odds = [phi ** -size];
  // Below 1e-300 a double keeps no digits, and would not shrink any more.
  for (let k = 1; (odds[k - 1] ?? 0) > 1e-300; k += 1) odds.push(((odds[k - 1] ?? 0) * (size + k - 1) * (1 - 1 / phi)) / k);
  return odds;
}

/** Mean of exp(what a window adds), exactly, summing over both arms' failures. They are independent and the sum is linear, so the mean is a product. */
function meanGain(law: (requests: number, share: number) => number[], setting: { bet: number; line: Line; rho: number; n: { baseline: number; canary: number }; shares: { baseline: number; canary: number } }): number {
  const { bet, line, rho, n, shares } = setting;
  const added = (baseline: number, canary: number): number =>
    betIncrements({ bets: [bet], line, rho, window: { baseline: { requests: n.baseline, failures: baseline }, canary: { requests: n.canary, failures: canary } } })[0] ?? Number.NaN;
  const base = added(0, 0);
  const mean = (odds: readonly number[], gain: (failures: number) => number): number => odds.reduce((sum, odd, failures) => (odd === 0 ? sum : sum + Math.exp(Math.log(odd) + gain(failures) - base)), 0);
  return Math.exp(base) * mean(law(n.baseline, shares.baseline), (x) => added(x, 0)) * mean(law(n.canary, shares.canary), (x) => added(0, x));
}

const requestCount = fc.integer({ min: 1, max: 300 });
const bets = fc.constantFrom(...alarmBets, ...promoteBets);

describe('a window on the line gains nothing on average, so looking often does no harm', () => {
  const setting = fc.record({
    bet: bets, nb: requestCount, nc: requestCount, baseline: fc.double({ min: 0, max: 0.2, noNaN: true }),
    line: fc.record({ absolute: fc.double({ min: 0, max: 0.02, noNaN: true }), relative: fc.double({ min: 0.8, max: 1.5, noNaN: true }) }),
  });

  test('requests that fail each by itself: at most 1', () => {
    fc.assert(fc.property(setting, ({ bet, nb, nc, baseline, line }) => {
      const shares = { baseline, canary: line.absolute + line.relative * baseline };
      expect(meanGain(binomial, { bet, line, rho: 0, n: { baseline: nb, canary: nc }, shares })).toBeLessThanOrEqual(1 + 1e-9);
    }), seeded);
  });

  test('bursts as large as was said: exactly 1', () => {
    // Shares and bets within which the sum over all counts converges in double precision.
    const burst = fc.record({
      bet: fc.constantFrom(...promoteBets, ...alarmBets.filter((bet) => bet <= 5)), nc: fc.integer({ min: 2, max: 300 }), times: fc.double({ min: 1, max: 4, noNaN: true }),
      baseline: fc.double({ min: 1e-4, max: 0.2, noNaN: true }), rho: fc.double({ min: 0.002, max: 0.05, noNaN: true }),
      line: fc.record({ absolute: fc.double({ min: 1e-4, max: 0.02, noNaN: true }), relative: fc.double({ min: 0.8, max: 1.5, noNaN: true }) }),
    });
    fc.assert(fc.property(burst, ({ bet, nc, times, baseline, rho, line }) => {
      const shares = { baseline, canary: line.absolute + line.relative * baseline };
      const law = (requests: number, share: number): number[] => gammaPoisson(requests * share, dispersionOf(requests, rho));
      expect(meanGain(law, { bet, line, rho, n: { baseline: Math.round(nc * times), canary: nc }, shares })).toBeCloseTo(1, 6);
    }), { ...seeded, numRuns: 40 });
  });

  test('on the wrong side of the line it grows, so that the test above can fail', () => {
    const line = judgeDefaults.alarm;
    expect(meanGain(binomial, { bet: 2.5, line, rho: 0, n: { baseline: 200, canary: 200 }, shares: { baseline: 0.01, canary: 0.05 } })).toBeGreaterThan(1.5);
  });
});

test('evidence of a stake is finite, has its sign, and grows with it', () => {
  fc.assert(fc.property(fc.double({ min: -0.99, max: 49, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (s, c) => {
    const evidence = stakeEvidence(s, c);
    expect(Number.isFinite(evidence)).toBe(true);
    expect(Math.sign(evidence) * Math.sign(s)).toBeGreaterThanOrEqual(0);
    expect(stakeEvidence(s + 0.5, c)).toBeGreaterThanOrEqual(evidence);
  }), seeded);
});

test('no number of requests up to ten million makes evidence that is not a number', () => {
  const many = fc.record({ baseline: counts(10_000_000), canary: counts(10_000_000) });
  fc.assert(fc.property(fc.array(many, { minLength: 1, maxLength: 20 }), (windows) => {
    const { judgement } = judgeSlots(plan(['a']), windows.map((a, index) => ({ elapsedSeconds: 5 * (index + 1), metrics: { a } })));
    for (const value of [judgement.alarm.evidence, judgement.promote.evidence]) expect(Number.isFinite(value)).toBe(true);
  }), seeded);
});

test('one failure more of the canary never lessens the alarm, nor helps promotion', () => {
  fc.assert(fc.property(slots(['a']), fc.nat(), (run, pick) => {
    const at = pick % run.length;
    const worse = run.map((slot, index) => {
      const a = slot.metrics['a'];
      return index === at && a?.canary !== undefined ? { ...slot, metrics: { a: { ...a, canary: { requests: a.canary.requests, failures: a.canary.failures + 1 } } } } : slot;
    });
    expect(judgeSlots(plan(['a']), worse).judgement.alarm.evidence).toBeGreaterThanOrEqual(judgeSlots(plan(['a']), run).judgement.alarm.evidence - 1e-12);
    // From twelve windows on the canary's own bursts make each window count less, both ways: only the alarm is spared that.
    const [few, fewWorse] = [run.slice(0, 12), worse.slice(0, 12)];
    expect(judgeSlots(plan(['a']), fewWorse).judgement.promote.evidence).toBeLessThanOrEqual(judgeSlots(plan(['a']), few).judgement.promote.evidence + 1e-12);
  }), seeded);
});

test('a slot that is told again changes nothing', () => {
  fc.assert(fc.property(slots(['a', 'b']), fc.nat(), (run, pick) => {
    const settings = plan(['a', 'b']);
    const cut = pick % run.length;
    let { state } = judgeSlots(settings, run.slice(0, cut));
    for (const slot of run.slice(Math.max(0, cut - 3))) ({ state } = judgeSlot(state, slot));
    expect(state).toEqual(judgeSlots(settings, run).state);
  }), seeded);
});

test('the order of the metrics does not matter', () => {
  fc.assert(fc.property(slots(['a', 'b', 'c']), (run) => {
    const forward = judgeSlots(plan(['a', 'b', 'c']), run).judgement;
    const backward = judgeSlots(plan(['c', 'b', 'a']), run).judgement;
    expect(backward.verdict).toBe(forward.verdict);
    expect(backward.alarm.evidence).toBeCloseTo(forward.alarm.evidence, 9);
    expect(backward.promote.evidence).toBeCloseTo(forward.promote.evidence, 9);
  }), seeded);
});

test('what cannot be read never promotes, and leaves the evidence as it was', () => {
  const broken = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1);
  const brokenCounts = fc.oneof(fc.constant(undefined), fc.record({ requests: broken, failures: fc.constant(0) }), fc.record({ requests: fc.constant(1e6), failures: broken }));
  fc.assert(fc.property(slots(['a']), brokenCounts, (run, canary) => {
    const settings = planJudge({ minimumDwellSeconds: 0, metrics: [{ name: 'a', historyRho: 0 }, { name: 'b', historyRho: 0 }] });
    const blind = run.map((slot) => ({ ...slot, metrics: { a: { baseline: { requests: 1e6, failures: 0 }, canary: { requests: 1e6, failures: 0 } }, b: { baseline: { requests: 1e6, failures: 0 }, ...(canary && { canary }) } } }));
    let state = startJudge(settings);
    for (const slot of blind) {
      const step = judgeSlot(state, slot);
      expect(step.judgement.verdict).not.toBe('promote');
      state = step.state;
    }
    expect(judgeState(state).metrics[1]).toMatchObject({ alarm: expect.closeTo(0, 12), promote: 0 });
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  }), seeded);
});

test('evidence of a start that has not begun is what it was, not lost', () => {
  expect(judgeState(startJudge(plan(['a']))).alarm.evidence).toBeCloseTo(0, 12);
  expect(logMean([0, 0, 0])).toBe(0);
});
