// SPDX-License-Identifier: Apache-2.0
// Who gets how much of the traffic, step by step.
import type { Weights } from '../traffic/weights.ts';

/** One step of a canary. */
export interface CanaryStep {
  /** The canary's percent of all traffic, 1 to 50; the baseline gets as much where there is one, stable the rest. */
  readonly weight: number;
  /** How long it is watched at the least. */
  readonly seconds: number;
}

const mostSteps = 20;
const mostSeconds = 21_600;

/** Percent of the traffic, with one digit behind the point where it has one. */
export function formatPercent(weight: number): string {
  return String(Number(weight.toFixed(1)));
}

/** `stable 80 %, baseline 10 %, canary 10 %`. */
export function formatWeights({ stable, baseline, canary }: Weights): string {
  return `stable ${formatPercent(stable)} %, baseline ${formatPercent(baseline)} %, canary ${formatPercent(canary)} %`;
}

/** Reads steps, one a line: `10% 60s` (the signs may be left out). Throws an `Error` that says which line is wrong and how to write it. */
export function parseSteps(lines: readonly string[]): readonly CanaryStep[] {
  const steps = lines.map((line, index) => {
    const match = /^(\d{1,3})\s*%?\s+(\d{1,5})\s*s?$/.exec(line.trim());
    const [weight, seconds] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || weight < 1 || weight > 50 || seconds < 1 || seconds > mostSeconds) {
      throw new Error(`step ${index + 1} "${line.trim().slice(0, 40)}" must be a weight from 1% to 50% and 1 to ${mostSeconds} seconds, such as "10% 60s" (the baseline gets the same weight, so 50% leaves nothing for stable)`);
    }
    return { weight, seconds };
  });
  if (steps.length === 0 || steps.length > mostSteps) throw new Error(`must be 1 to ${mostSteps} steps, one a line`);
  const fall = steps.findIndex((step, index) => index > 0 && step.weight <= (steps[index - 1]?.weight ?? 0));
  if (fall > 0) throw new Error(`step ${fall + 1} must give the canary more than the step before`);
  return steps;
}
