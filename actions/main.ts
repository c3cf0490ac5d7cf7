// SPDX-License-Identifier: Apache-2.0
// Entry of the one bundle that all actions share: each action's dist/index.js names its step. A step is loaded only when it runs.

const entries: Readonly<Record<string, () => Promise<{ main(): Promise<void> }>>> = {
  'build-scan-push': () => import('@pratique/build-scan-push/main'),
  'sign-and-attest': () => import('@pratique/sign-and-attest/main'),
  'quarantine-gate': () => import('@pratique/quarantine-gate/main'),
  'helm-deploy-canary': () => import('@pratique/helm-deploy-canary/main'),
};

/** Runs the step of the action `name`. */
export async function main(name: string): Promise<void> {
  const load = entries[name];
  if (load === undefined) throw new Error(`there is no action ${name}`);
  await (await load()).main();
}
