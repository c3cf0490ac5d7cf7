// SPDX-License-Identifier: Apache-2.0
// A thread of the simulation: takes rows, gives their outcomes.
import { parentPort } from 'node:worker_threads';
import { cells } from './cells.ts';
import { simulate } from './trial.ts';

parentPort?.on('message', ({ index, runs }: { index: number; runs: number }) => {
  const cell = cells[index];
  if (cell !== undefined) parentPort?.postMessage({ index, outcome: simulate(cell, index, runs) });
});
