// SPDX-License-Identifier: Apache-2.0
// What Fulcio takes from an ID token: subject alternative name and extensions
// (https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md; templates of ci-provider github-workflow).
import type { JsonObject } from '@pratique/core';
import { alternativeName, extension } from './certificate.ts';
import { utf8String } from './der.ts';

/** An issuer that Fulcio accepts and what its tokens prove. */
export interface FulcioIssuer {
  readonly url: string;
  readonly type: 'github-workflow' | 'email';
}

/** What goes into the certificate, and the text whose signature proves possession of the key. */
export interface CertificateIdentity {
  readonly challenge: string;
  readonly extensions: readonly Buffer[];
}

/** A claim is absent; `claim` is its name. */
export interface MissingClaim {
  readonly claim: string;
}

const arc = '1.3.6.1.4.1.57264.1';
const github = 'https://github.com';

/** Reads the claims of a verified token. */
export function readIdentity(claims: JsonObject, issuer: FulcioIssuer): CertificateIdentity | MissingClaim {
  return issuer.type === 'email' ? readEmail(claims) : readWorkflow(claims);
}

function readEmail(claims: JsonObject): CertificateIdentity | MissingClaim {
  const { email, iss } = claims;
  if (typeof email !== 'string' || claims['email_verified'] !== true) return { claim: 'email' };
  return { challenge: email, extensions: [alternativeName({ email }), extension(`${arc}.1`, Buffer.from(String(iss))), extension(`${arc}.8`, utf8String(String(iss)))] };
}

const required = [
  'iss', 'sub', 'event_name', 'sha', 'workflow', 'repository', 'ref', 'job_workflow_ref', 'job_workflow_sha', 'runner_environment', 'repository_id', 'repository_owner',
  'repository_owner_id', 'workflow_ref', 'workflow_sha', 'run_id', 'run_attempt', 'repository_visibility',
] as const;

function readWorkflow(claims: JsonObject): CertificateIdentity | MissingClaim {
  const missing = required.find((name) => (typeof claims[name] !== 'string' && typeof claims[name] !== 'number') || claims[name] === '');
  if (missing !== undefined) return { claim: missing };
  const value = (name: (typeof required)[number] | 'environment'): string => String(claims[name] ?? '');
  const raw: readonly string[] = [value('iss'), value('event_name'), value('sha'), value('workflow'), value('repository'), value('ref')];
  const encoded: ReadonlyArray<readonly [number, string]> = [
    [8, value('iss')],
    [9, `${github}/${value('job_workflow_ref')}`],
    [10, value('job_workflow_sha')],
    [11, value('runner_environment')],
    [12, `${github}/${value('repository')}`],
    [13, value('sha')],
    [14, value('ref')],
    [15, value('repository_id')],
    [16, `${github}/${value('repository_owner')}`],
    [17, value('repository_owner_id')],
    [18, `${github}/${value('workflow_ref')}`],
    [19, value('workflow_sha')],
    [20, value('event_name')],
    [21, `${github}/${value('repository')}/actions/runs/${value('run_id')}/attempts/${value('run_attempt')}`],
    [22, value('repository_visibility')],
    [23, value('environment')],
    [24, value('sub')],
  ];
  return {
    challenge: value('sub'),
    extensions: [
      alternativeName({ uri: `${github}/${value('job_workflow_ref')}` }),
      ...raw.map((text, index) => extension(`${arc}.${index + 1}`, Buffer.from(text))),
      ...encoded.filter(([, text]) => text !== '').map(([number, text]) => extension(`${arc}.${number}`, utf8String(text))),
    ],
  };
}
