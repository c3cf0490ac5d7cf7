// SPDX-License-Identifier: Apache-2.0
// Blue-green: a canary of one step. As many pods as stable has get all of the traffic at once; the switch back is one patch.
import type { Result, Task } from '../task.ts';
import { deployBeside } from './canary.ts';

/** Switches the traffic to the new version, judges it by `failure-limit`, and then upgrades the release; or switches back. */
export function deployBlueGreen(task: Task): Promise<Result> {
  const steps = [{ weight: 100, seconds: task.given['soak-seconds'] }];
  return deployBeside({ ...task, given: { ...task.given, steps } }, 'blue-green');
}
