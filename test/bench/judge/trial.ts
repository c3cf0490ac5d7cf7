// SPDX-License-Identifier: Apache-2.0
// One row of the table: so many rollouts with the product's own judge, each from its own seed.
import { historyRho, judgeSlot, planJudge, startJudge, type ArmCounts, type JudgeSettings, type Slot, type TrafficStep } from '@pratique/kube';
import type { Cell } from './cells.ts';
import { seededRandom, type Random } from './random.ts';
import { gateRollback } from './threshold-gate.ts';
import { countSlot } from './traffic.ts';

/** When something first happened, in seconds, for the runs in which it did. */
export interface Outcome {
  readonly runs: number;
  readonly rollback: readonly number[];
  readonly promote: readonly number[];
  readonly environment: number;
  readonly gate60: readonly number[];
  readonly gate10: readonly number[];
}

interface RunOutcome {
  rollback?: number;
  promote?: number;
  environment: boolean;
  readonly canary: ArmCounts[];
}

const seed = 20_261_121;
const historySlots = 720;
/** Histories are drawn once per row and shared by runs: an hour of history is six times a run. */
const histories = 100;

/** Simulates `runs` rollouts of row `index`. */
export function simulate(cell: Cell, index: number, runs: number): Outcome {
  const plans = planHistories(cell, index);
  const outcome = { runs, rollback: [] as number[], promote: [] as number[], environment: 0, gate60: [] as number[], gate10: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    const settings = plans[run % plans.length];
    if (settings === undefined) continue;
    const result = simulateRun(cell, settings, seededRandom(seed + index, run));
    if (result.rollback !== undefined) outcome.rollback.push(result.rollback);
    if (result.promote !== undefined) outcome.promote.push(result.promote);
    if (result.environment) outcome.environment += 1;
    for (const [times, checkSeconds] of [[outcome.gate60, 60], [outcome.gate10, 10]] as const) {
      const at = gateRollback(result.canary, { slotSeconds: settings.slotSeconds, checkSeconds });
      if (at !== undefined) times.push(at);
    }
  }
  return outcome;
}

/** The settings as they come out of several hours of stable. No dwell: what a promotion at once would do wrong is to be seen. */
function planHistories(cell: Cell, index: number): JudgeSettings[] {
  const metrics = cell.metrics.map((metric) => ({ ...metric }));
  const { baseline, steps: [step] } = cell;
  if (!cell.history || baseline === undefined || step === undefined) return [planJudge({ minimumDwellSeconds: 0, metrics })];
  return Array.from({ length: histories }, (_, history) => {
    const random = seededRandom(seed + index, -1 - history);
    const slots = Array.from({ length: historySlots }, () => countSlot(random, { mean: step.baselineRate * 5, rho: cell.rho, shares: baseline }));
    return planJudge({ minimumDwellSeconds: 0, metrics: metrics.map((metric, at) => ({ ...metric, historyRho: historyRho(slots.map((slot) => slot[at] ?? { requests: 0, failures: 0 })) })) });
  });
}

/** One rollout to its horizon. Rollback and promotion are looked for at every slot, without stopping at the other: the errors then are at least those of a real run. */
function simulateRun(cell: Cell, settings: JudgeSettings, random: Random): RunOutcome {
  const result: RunOutcome = { environment: false, canary: [] };
  const wanted = cell.claims.rollbackAtLeast !== undefined && cell.claims.promoteAtMost === undefined;
  let state = startJudge(settings);
  for (let elapsed = settings.slotSeconds; elapsed <= settings.horizonSeconds; elapsed += settings.slotSeconds) {
    const { slot, canary } = nextSlot(cell, settings, { elapsed, random });
    result.canary.push(canary);
    // The gate goes on to be shown the canary after the judge is done.
    if (wanted && result.rollback !== undefined) continue;
    const step = judgeSlot(state, slot);
    ({ state } = step);
    if (step.judgement.verdict === 'rollback') result.rollback ??= elapsed;
    if (step.judgement.promote.evidence >= step.judgement.promote.needed) result.promote ??= elapsed;
    if (step.judgement.reason === 'environment') result.environment = true;
  }
  return result;
}

function nextSlot(cell: Cell, { slotSeconds, metrics }: JudgeSettings, { elapsed, random }: { readonly elapsed: number; readonly random: Random }): { slot: Slot; canary: ArmCounts } {
  const step = stepAt(cell.steps, elapsed);
  const count = (rate: number, shares: Cell['canary']): ArmCounts[] => countSlot(random, { mean: rate * slotSeconds, rho: cell.rho, shares });
  const baseline = cell.baseline === undefined ? [] : count(step.baselineRate, cell.baseline);
  const canary = count(step.canaryRate, elapsed <= (cell.faultSeconds ?? 0) ? (cell.baseline ?? cell.canary) : cell.canary);
  const byName = metrics.map(({ name }, at) => [name, { ...(baseline[at] && { baseline: baseline[at] }), ...(canary[at] && { canary: canary[at] }) }] as const);
  const slot = { elapsedSeconds: elapsed, canaryShare: step.canaryRate / (step.canaryRate + step.baselineRate), metrics: Object.fromEntries(byName) };
  return { slot, canary: canary[0] ?? { requests: 0, failures: 0 } };
}

function stepAt(steps: readonly TrafficStep[], elapsed: number): TrafficStep {
  let end = 0;
  const found = steps.find((step) => {
    end += step.seconds;
    return elapsed <= end;
  });
  return found ?? steps.at(-1) ?? { seconds: 0, baselineRate: 0, canaryRate: 0 };
}
