// SPDX-License-Identifier: Apache-2.0
// Verdicts and their reasons, case by case.
import { describe, expect, test } from 'vitest';
import { judgeSlots } from './judge.ts';
import { explainJudgement, formatLine, formatOdds, formatShare, type Judgement } from './judgement.ts';
import { planJudge, type JudgePlan, type JudgeSettings } from './settings.ts';
import type { ArmCounts, Slot, SlotMetric } from './slot.ts';

const counts = (requests: number, failures: number): ArmCounts => ({ requests, failures });
const arms = (baseline: ArmCounts | undefined, canary: ArmCounts | undefined): SlotMetric => ({ ...(baseline && { baseline }), ...(canary && { canary }) });
const good = arms(counts(500, 2), counts(500, 2));
const bad = arms(counts(500, 2), counts(500, 60));
const run = (length: number, metrics: Slot['metrics'], more: Partial<Slot> = {}): Slot[] => Array.from({ length }, (_, index) => ({ elapsedSeconds: 5 * (index + 1), metrics, ...more }));
const one: JudgePlan = { metrics: [{ name: 'failures', historyRho: 0 }] };
const two: JudgePlan = { metrics: [{ name: 'failures', historyRho: 0 }, { name: 'slower than 250 ms', historyRho: 0 }] };
const limited: JudgePlan = { metrics: [{ name: 'failures', limit: 0.01, historyRho: 0 }] };

describe('verdict and reason', () => {
  const cases: readonly { name: string; plan: JudgePlan; slots: Slot[]; expected: Partial<Judgement> }[] = [
    { name: 'nothing seen', plan: one, slots: [], expected: { verdict: 'wait', reason: 'collecting', metric: 'failures' } },
    { name: 'worse at once', plan: one, slots: run(1, { failures: bad }), expected: { verdict: 'rollback', reason: 'alarm-line-crossed', metric: 'failures', certainty: 'culprit' } },
    { name: 'good, dwell not over', plan: one, slots: run(23, { failures: good }), expected: { verdict: 'wait', reason: 'dwell' } },
    { name: 'good, dwell over', plan: one, slots: run(24, { failures: good }), expected: { verdict: 'promote', reason: 'promote-line-crossed', metric: 'failures' } },
    { name: 'one of two metrics is bad', plan: two, slots: run(1, { failures: good, 'slower than 250 ms': bad }), expected: { verdict: 'rollback', metric: 'slower than 250 ms', certainty: 'culprit' } },
    {
      name: 'neither of two metrics crosses alone', plan: two, slots: run(6, { failures: arms(counts(180, 1), counts(180, 5)), 'slower than 250 ms': arms(counts(180, 1), counts(180, 5)) }),
      expected: { verdict: 'rollback', certainty: 'suspect' },
    },
    { name: 'one of two metrics was never read: good news does not carry it', plan: two, slots: run(60, { failures: good }), expected: { verdict: 'wait', reason: 'series-missing', metric: 'slower than 250 ms' } },
    { name: 'the metrics went away after they were proven', plan: one, slots: [...run(23, { failures: good }), { elapsedSeconds: 120, metrics: {} }], expected: { verdict: 'wait', reason: 'series-missing' } },
    { name: 'and came back', plan: one, slots: [...run(23, { failures: good }), { elapsedSeconds: 120, metrics: {} }, { elapsedSeconds: 125, metrics: { failures: good } }], expected: { verdict: 'promote' } },
    { name: 'until the horizon', plan: two, slots: run(120, { failures: good }), expected: { verdict: 'insufficient', reason: 'series-missing', metric: 'slower than 250 ms', arm: 'canary' } },
    { name: 'the canary gets nothing', plan: one, slots: run(3, { failures: arms(counts(500, 0), counts(0, 0)) }), expected: { verdict: 'insufficient', reason: 'routing', arm: 'canary' } },
    { name: 'nothing for two slots: a late scrape', plan: one, slots: run(2, { failures: arms(counts(500, 0), counts(0, 0)) }), expected: { verdict: 'wait' } },
    { name: 'nothing of little', plan: one, slots: run(3, { failures: arms(counts(5, 0), counts(0, 0)) }), expected: { verdict: 'wait' } },
    { name: 'nothing of much, as its share is small', plan: one, slots: run(3, { failures: arms(counts(50, 0), counts(0, 0)) }, { canaryShare: 0.05 }), expected: { verdict: 'wait' } },
    { name: 'weight 0 and silent', plan: one, slots: run(10, { failures: arms(counts(500, 0), counts(0, 0)) }, { canaryShare: 0 }), expected: { verdict: 'wait' } },
    { name: 'the baseline gets nothing', plan: one, slots: run(3, { failures: arms(counts(0, 0), counts(500, 0)) }), expected: { verdict: 'insufficient', reason: 'routing', arm: 'baseline' } },
    { name: 'the series of the canary is not there', plan: one, slots: run(3, { failures: arms(counts(500, 0), undefined) }), expected: { verdict: 'insufficient', reason: 'series-missing', arm: 'canary' } },
    { name: 'no traffic at all', plan: one, slots: run(120, { failures: arms(counts(0, 0), counts(0, 0)) }), expected: { verdict: 'insufficient', reason: 'no-traffic' } },
    { name: 'too little traffic', plan: one, slots: run(120, { failures: arms(counts(1, 0), counts(1, 0)) }), expected: { verdict: 'insufficient', reason: 'evidence-short' } },
    { name: 'first deploy, below the limit', plan: limited, slots: run(24, { failures: arms(undefined, counts(500, 1)) }), expected: { verdict: 'promote' } },
    { name: 'first deploy, beyond the limit', plan: limited, slots: run(2, { failures: arms(undefined, counts(500, 30)) }), expected: { verdict: 'rollback', certainty: 'culprit' } },
    { name: 'first deploy without traffic', plan: limited, slots: run(120, { failures: arms(undefined, counts(0, 0)) }), expected: { verdict: 'insufficient', reason: 'no-traffic' } },
    { name: 'first deploy without series', plan: limited, slots: run(120, {}), expected: { verdict: 'insufficient', reason: 'series-missing', arm: 'canary' } },
    { name: 'the baseline is beyond the limit', plan: limited, slots: run(2, { failures: arms(counts(500, 30), counts(500, 5)) }), expected: { verdict: 'insufficient', reason: 'environment' } },
    { name: 'the baseline is beyond the limit, and another metric of the canary bad', plan: { metrics: [...limited.metrics, ...one.metrics.map((metric) => ({ ...metric, name: 'slow' }))] }, slots: run(2, { failures: arms(counts(500, 40), counts(500, 40)), slow: bad }), expected: { verdict: 'rollback', metric: 'slow', certainty: 'culprit' } },
    { name: 'both are beyond the limit', plan: limited, slots: run(1, { failures: arms(counts(500, 40), counts(500, 40)) }), expected: { verdict: 'insufficient', reason: 'environment' } },
  ];
  test.each(cases)('$name', ({ plan, slots, expected }) => {
    expect(judgeSlots(planJudge(plan), slots).judgement).toMatchObject(expected);
  });

  test('a fault that begins after nine good minutes is still found, and the verdict stays', () => {
    const slots = run(116, { failures: good }).map((slot, index) => (index < 110 ? slot : { ...slot, metrics: { failures: bad } }));
    expect(judgeSlots(planJudge(one), slots.slice(0, 110)).judgement.verdict).toBe('promote');
    expect(judgeSlots(planJudge(one), slots).judgement.verdict).toBe('rollback');
  });

  test('a rollback stays one, though what follows is good', () => {
    const slots = run(60, { failures: good }).map((slot, index) => (index === 0 ? { ...slot, metrics: { failures: arms(counts(500, 1), counts(500, 20)) } } : slot));
    const { judgement } = judgeSlots(planJudge(one), slots);
    expect(judgement).toMatchObject({ verdict: 'rollback', alarm: { evidence: expect.toSatisfy((log: number) => log < Math.log(100)) } });
    expect(explainJudgement(judgement, planJudge(one))).toContain('The line was crossed before; now it is evidence of');
  });

  test('an outage of both arms says nothing', () => {
    const outage = run(60, { failures: good }).map((slot, index) => (index > 20 && index < 50 ? { ...slot, metrics: { failures: arms(counts(500, 250), counts(500, 251)) } } : slot));
    expect(judgeSlots(planJudge({ ...one, metrics: [{ name: 'failures' }] }), outage).judgement.verdict).not.toBe('rollback');
  });
});

describe('settings', () => {
  test('weights are made to sum to 1, a limit draws both lines', () => {
    const { metrics } = planJudge({ metrics: [{ name: 'failures', weight: 3 }, { name: 'slow', limit: 0.05 }] });
    expect(metrics).toEqual([
      { name: 'failures', weight: 0.75, comparison: 'baseline', alarm: { absolute: 0.001, relative: 1.1 }, promote: { absolute: 0.005, relative: 1.25 }, historyRho: 0.012 },
      { name: 'slow', weight: 0.25, comparison: 'limit', alarm: { absolute: 0.05, relative: 0 }, promote: { absolute: 0.05, relative: 0 }, historyRho: 0.012 },
    ]);
  });

  test('all problems are told together', () => {
    const plan: JudgePlan = { alpha: 0, beta: 0.7, slotSeconds: 60, horizonSeconds: 30, minimumDwellSeconds: 40, starts: 0, rhoFloor: 0, alarmBets: [1], promoteBets: [1], metrics: [{ name: 'a', weight: -1, historyRho: 1 }, { name: 'a', limit: 0 }, { name: 'b', promote: { absolute: 0, relative: 1 } }] };
    expect(() => planJudge(plan)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID', facts: { problems: expect.toSatisfy((list: string[]) => list.length === 13) } }));
    expect(() => planJudge({ metrics: [] })).toThrow(/at least one metric/);
    expect(() => planJudge({ ...one, alpha: Number.NaN })).toThrow(/alpha/);
  });
});

describe('in words', () => {
  const settings: JudgeSettings = planJudge(one);
  const explain = (plan: JudgePlan, slots: Slot[]): string => explainJudgement(judgeSlots(planJudge(plan), slots).judgement, planJudge(plan));
  test.each<[string, string, string]>([
    ['rollback', explain(one, run(1, { failures: arms(counts(500, 1), counts(500, 20)) })), 'failures: canary 4 % of 500 requests, baseline 0.2 % of 500 requests. This alone is evidence of 1,100 : 1 that the canary is beyond 0.1 % + 1.1 x the baseline; 100 : 1 is needed to roll back.'],
    ['promote', explain(one, run(24, { failures: good })), 'Every metric shows that the canary is below its promote line. The last was failures: canary 0.4 % of 12,000 requests, baseline 0.4 % of 12,000 requests, evidence of more than 1,000,000 : 1 that it is below 0.5 % + 1.25 x the baseline; 20 : 1 is needed.'],
    ['first deploy', explain(limited, run(2, { failures: arms(undefined, counts(500, 30)) })), 'failures: canary 6 % of 1,000 requests. This alone is evidence of more than 1,000,000 : 1 that the canary is beyond a limit of 1 %; 100 : 1 is needed to roll back.'],
    ['no traffic', explain(one, run(120, { failures: arms(counts(0, 0), counts(0, 0)) })), 'failures: no request reached the canary in 600 s.'],
    ['routing', explain(one, run(3, { failures: arms(counts(500, 0), counts(0, 0)) })), 'failures: the canary gets no requests while the other arm does. canary no requests, baseline 0 % of 1,500 requests. Either the gateway sends it nothing, or it does not count what it sends.'],
  ])('%s', (_name, words, expected) => {
    expect(words).toBe(expected);
  });

  test('every reason has words of its own', () => {
    const base = judgeSlots(settings, run(1, { failures: good })).judgement;
    const reasons = ['alarm-line-crossed', 'promote-line-crossed', 'collecting', 'dwell', 'environment', 'routing', 'series-missing', 'no-traffic', 'evidence-short'] as const;
    expect(new Set(reasons.map((reason) => explainJudgement({ ...base, reason }, settings))).size).toBe(reasons.length);
  });

  test('numbers are not longer than they are good', () => {
    expect([formatShare(0.012345), formatShare(0), formatShare(1), formatShare(0.0000123)]).toEqual(['1.23 %', '0 %', '100 %', '0.00123 %']);
    expect([formatOdds(-1), formatOdds(0), formatOdds(Math.log(143.2)), formatOdds(20)]).toEqual(['less than 1 : 1', '1 : 1', '143 : 1', 'more than 1,000,000 : 1']);
    expect(formatLine({ absolute: 0.02, relative: 0 })).toBe('a limit of 2 %');
  });
});
