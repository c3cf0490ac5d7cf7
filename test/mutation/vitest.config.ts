// SPDX-License-Identifier: Apache-2.0
// The tests that judge mutants: those of policy and evidence. Properties draw the same values for every mutant.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['packages/{policy,evidence}/src/**/*.test.ts'], setupFiles: ['test/mutation/fixed-seed.ts'], testTimeout: 120_000 },
});
