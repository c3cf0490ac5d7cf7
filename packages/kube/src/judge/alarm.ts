// SPDX-License-Identifier: Apache-2.0
// Evidence against the canary, with restarts so that a fault that begins late is not outweighed by good minutes before it.
import { addEach, logMean, logSum } from './bet.ts';

/** What is needed to know the evidence of every start; that of a single start is not. */
export interface AlarmState {
  /** Log evidence of each bet since the beginning. */
  readonly log: readonly number[];
  /** Log of what was staked on each bet, in units of the beginning: a stake placed when a bet stands at e^-2 is worth e^2 of those. */
  readonly stake: readonly number[];
  /** Starts after the first that have begun. */
  readonly restarts: number;
}

/** Half of the stake is placed at the beginning, the other half evenly on the restarts. */
function firstStake(starts: number): number {
  return starts > 1 ? Math.log(0.5) : 0;
}

function restartStake(starts: number): number {
  return starts > 1 ? 1 / (2 * (starts - 1)) : 0;
}

/** No evidence yet. */
export function startAlarm(bets: number, starts: number): AlarmState {
  return { log: Array.from({ length: bets }, () => 0), stake: Array.from({ length: bets }, () => firstStake(starts)), restarts: 0 };
}

/** Begins the restarts that are due: `due` of them in all. Their times are fixed beforehand, so looking cannot choose them. */
export function restartAlarm(alarm: AlarmState, { due, starts }: { readonly due: number; readonly starts: number }): AlarmState {
  if (alarm.restarts >= due) return alarm;
  const placed = Math.log((due - alarm.restarts) * restartStake(starts));
  return { ...alarm, stake: alarm.stake.map((stake, index) => logSum([stake, placed - (alarm.log[index] ?? 0)])), restarts: due };
}

/** Adds what a window brought. */
export function feedAlarm(alarm: AlarmState, increments: readonly number[]): AlarmState {
  return { ...alarm, log: addEach(alarm.log, increments) };
}

/** Log of all evidence, over bets and starts; what is not placed yet stays as it is. */
export function alarmEvidence({ log, stake, restarts }: AlarmState, starts: number): number {
  const placed = logMean(addEach(log, stake));
  const unplaced = (starts - 1 - restarts) * restartStake(starts);
  return unplaced > 0 ? logSum([placed, Math.log(unplaced)]) : placed;
}
