// SPDX-License-Identifier: Apache-2.0
// Public names of helm-deploy-canary.
export { canaryRecover } from './canary-recover.ts';
export { helmDeployCanary } from './contract.ts';
