// SPDX-License-Identifier: Apache-2.0
// Unit, step, contract, architecture and bundle tests; e2e has its own project because it needs real programs.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // By default one core stays idle, which is half of a runner's.
    maxWorkers: '100%',
    projects: [
      { test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'actions/*/src/**/*.test.ts'], testTimeout: 20_000, hookTimeout: 60_000 } },
      { test: { name: 'span', include: ['test/{architecture,contract,bundle}/**/*.test.ts', 'test/tools/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false } },
      { test: { name: 'full', include: ['test/full/**/*.test.ts'], testTimeout: 900_000, hookTimeout: 900_000, fileParallelism: false } },
    ],
  },
});
