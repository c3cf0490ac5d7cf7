// SPDX-License-Identifier: Apache-2.0
// The closed table of failure codes, area by area.
import { azureCodes } from './azure.ts';
import { buildCodes } from './build.ts';
import { deployCodes } from './deploy.ts';
import { gateCodes } from './gate.ts';
import { hostCodes } from './host.ts';
import { kubeCodes } from './kube.ts';
import { labCodes } from './lab.ts';
import { policyCodes } from './policy.ts';
import { registryCodes } from './registry.ts';
import { scanCodes } from './scan.ts';
import { signCodes } from './sign.ts';

export const failureCodes = {
  ...hostCodes, ...registryCodes, ...azureCodes, ...buildCodes, ...scanCodes, ...signCodes, ...policyCodes, ...gateCodes, ...kubeCodes, ...deployCodes, ...labCodes,
} as const;
