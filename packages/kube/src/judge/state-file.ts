// SPDX-License-Identifier: Apache-2.0
// Reads a judge's state back from where a run left it.
import { isJsonObject } from '@pratique/core';
import { startJudge, type JudgeState } from './judge.ts';
import { settingProblems, type JudgeSettings } from './settings.ts';

/**
 * The state, when `value` is one that `JSON.stringify` wrote and every number in it is finite; else `undefined`. Whoever gets `undefined`
 * starts anew, which costs evidence and proves nothing wrong.
 */
export function readJudgeState(value: unknown): JudgeState | undefined {
  if (!isJsonObject(value) || value['version'] !== 1 || !hasShape(settingsPattern, value['settings'])) return undefined;
  const settings = value['settings'] as JudgeSettings;
  if (settingProblems(settings).length > 0 || !hasShape(startJudge(settings), value)) return undefined;
  const state = value as unknown as JudgeState;
  return state.metrics.length === settings.metrics.length && state.metrics.every((metric) => rightLengths(metric, settings)) ? state : undefined;
}

function rightLengths({ alarm, environment, promote }: JudgeState['metrics'][number], { alarmBets, promoteBets }: JudgeSettings): boolean {
  return promote.length === promoteBets.length && [alarm.log, alarm.stake, environment.log, environment.stake].every((logs) => logs.length === alarmBets.length);
}

const line = { absolute: 0, relative: 0 };
const settingsPattern = {
  alpha: 0, beta: 0, slotSeconds: 0, horizonSeconds: 0, minimumDwellSeconds: 0, starts: 0, rhoFloor: 0, alarmBets: [0], promoteBets: [0],
  metrics: [{ name: '', weight: 0, comparison: '', alarm: line, promote: line, historyRho: 0 }],
};

/** Whether `value` has the keys and kinds of `pattern`; the elements of a list are like its first. */
function hasShape(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) return Array.isArray(value) && value.every((each) => hasShape(pattern[0], each));
  if (isJsonObject(pattern)) return isJsonObject(value) && Object.keys(pattern).every((key) => hasShape(pattern[key], value[key]));
  return typeof value === typeof pattern && (typeof value !== 'number' || Number.isFinite(value));
}
