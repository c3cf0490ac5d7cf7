// SPDX-License-Identifier: Apache-2.0
// Public names of build-scan-push.
export { buildScanPush } from './contract.ts';
