// SPDX-License-Identifier: Apache-2.0
// SLSA provenance v1 (https://slsa.dev/spec/v1.2/provenance) of a workflow run, from the claims of its identity token.
import { Failure, type Digest, type JsonObject } from '@pratique/core';
import { digestSet } from './statement.ts';

/** What the build adds. Nothing here overrules a claim. */
export interface ProvenanceFacts {
  /** Identity of the workflow in its certificate: `https://github.com/OWNER/REPO/.github/workflows/FILE@REF`. */
  readonly builderId: string;
  /** Attempt of the run in which the build happened; default: the attempt of the token. */
  readonly attempt?: number;
  readonly materials?: readonly { readonly uri: string; readonly digest?: Digest }[];
  /** Details of the build (builder, target, build arguments), JSON-safe, without secrets. */
  readonly parameters?: JsonObject;
}

const buildType = 'https://actions.github.io/buildtypes/workflow/v1';
const needed = ['repository', 'repository_id', 'repository_owner_id', 'event_name', 'sha', 'ref', 'workflow_ref', 'job_workflow_ref', 'run_id', 'run_attempt', 'runner_environment'] as const;

/** The predicate. `claims`: of the token that Fulcio verified. Fails with `SIGN_IDENTITY_REFUSED` when the token names no workflow. */
export function provenancePredicate(claims: JsonObject, build: ProvenanceFacts): object {
  const missing = needed.filter((name) => typeof claims[name] !== 'string' && typeof claims[name] !== 'number');
  const claim = (name: (typeof needed)[number]): string => String(claims[name]);
  const server = missing.length === 0 && build.builderId.endsWith(`/${claim('job_workflow_ref')}`) ? build.builderId.slice(0, -claim('job_workflow_ref').length - 1) : undefined;
  if (server === undefined) {
    throw new Failure({ code: 'SIGN_IDENTITY_REFUSED', message: 'provenance cannot be written: the identity token names no workflow run', hint: 'Sign in a GitHub workflow.', facts: { missing } });
  }
  const repository = `${server}/${claim('repository')}`;
  const path = claim('workflow_ref').slice(claim('repository').length + 1).split('@', 1)[0];
  const attempt = build.attempt !== undefined && build.attempt <= Number(claim('run_attempt')) ? build.attempt : claim('run_attempt');
  return {
    buildDefinition: {
      buildType,
      externalParameters: { workflow: { ref: claim('ref'), repository, path } },
      internalParameters: {
        github: { event_name: claim('event_name'), repository_id: claim('repository_id'), repository_owner_id: claim('repository_owner_id'), runner_environment: claim('runner_environment') },
        ...(build.parameters === undefined ? {} : { pratique: build.parameters }),
      },
      resolvedDependencies: [{ uri: `git+${repository}@${claim('ref')}`, digest: { gitCommit: claim('sha') } }, ...(build.materials ?? []).map(toResource)],
    },
    runDetails: { builder: { id: build.builderId }, metadata: { invocationId: `${repository}/actions/runs/${claim('run_id')}/attempts/${attempt}` } },
  };
}

function toResource(material: { readonly uri: string; readonly digest?: Digest }): object {
  return { uri: material.uri, ...(material.digest === undefined ? {} : { digest: digestSet(material.digest) }) };
}
