// SPDX-License-Identifier: Apache-2.0
// The arguments that buildah and buildx share, and the variables by which secrets come. Pure.
import { sourceAnnotations } from '../source.ts';
import type { BuildRequest } from './builder.ts';

/** What of a request shows in arguments. */
export type BuildWishes = Omit<BuildRequest, 'ctx' | 'target'>;

/** Build arguments, contexts, labels, and secrets by the name of their variable. */
export function requestArguments(request: BuildWishes): string[] {
  const labels = { ...sourceAnnotations(request.source), ...request.labels };
  return [
    ...pairs('--build-arg', request.buildArgs), ...pairs('--build-context', request.buildContexts), ...pairs('--label', labels),
    ...Object.keys(request.secrets).flatMap((id, index) => ['--secret', `id=${id},env=${secretVariable(index)}`]),
  ];
}

const pairs = (flag: string, values: Readonly<Record<string, string>>): string[] => Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);

const secretVariable = (index: number): string => `PRATIQUE_BUILD_SECRET_${index}`;

/** Environment of the builder alone: it is in no argument and no file of ours, and RUN does not inherit it. */
export function secretVariables(secrets: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.values(secrets).map((value, index) => [secretVariable(index), value]));
}
