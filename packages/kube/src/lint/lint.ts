// SPDX-License-Identifier: Apache-2.0
// The lint of a rendered chart: what the server would take, and what will hurt all the same.
import type { KubeObject } from '../client/object.ts';
import { lintAvailability } from './availability.ts';
import { podTemplatesOf, type ChartFinding } from './pod-template.ts';
import { lintSecurity } from './security.ts';

/** Looks at every pod that the manifest would make. */
export function lintManifest(objects: readonly KubeObject[]): readonly ChartFinding[] {
  return podTemplatesOf(objects).flatMap((pod) => [...lintSecurity(pod, objects), ...lintAvailability(pod, objects)]);
}
