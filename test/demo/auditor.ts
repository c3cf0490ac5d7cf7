// SPDX-License-Identifier: Apache-2.0
// Looks at the registry from outside, with an identity of its own: what the demo claims is read back, not taken from outputs.
import { parseDigest, type Digest, type SignerIdentity } from '@pratique/core';
import { createNodeContext, systemClock } from '@pratique/host';
import { createRegistry, staticCredentials, type Registry } from '@pratique/oci';
import { loadTrustMaterial, readAttestation, verifyAttestation } from '@pratique/sign';
import type { Scene } from './scene.ts';

/** The lab's registry as one of its identities sees it. */
export function connect(scene: Scene, as: 'builder' | 'gate' | 'cluster'): Registry {
  const { lab } = scene;
  const signal = AbortSignal.timeout(120_000);
  const { username, password } = lab.addresses.tokens.acr[as];
  return createRegistry({ registry: lab.addresses.acr.loginServer, fetch: lab.fetch, clock: systemClock, signal, authenticator: staticCredentials(username, password) });
}

export interface ReadAttestation {
  readonly predicateType: string;
  readonly predicate: unknown;
  readonly signer: SignerIdentity;
}

/** Fetches an attestation and verifies it with the lab's trusted root. */
export async function readVerdict(scene: Scene, at: { readonly repository: string; readonly image: string; readonly attestation: string }): Promise<ReadAttestation> {
  await using ctx = await createNodeContext({ fetch: scene.lab.fetch, print: () => undefined });
  const repository = connect(scene, 'gate').repository(at.repository);
  const subject: Digest = parseDigest(at.image.split('@')[1] ?? '');
  const trust = await loadTrustMaterial(ctx, JSON.stringify(scene.lab.sigstore.trustedRoot));
  return verifyAttestation({ bundle: await readAttestation(repository, parseDigest(at.attestation)), subject, trust });
}

/** Names of the vulnerabilities that code scanning shows as open alerts for a ref. */
export async function readAlerts(scene: Scene, ref: string): Promise<readonly string[]> {
  const { github, fetch } = scene.lab;
  const token = github.issueToken({ repository: 'acme/app', permissions: { 'security-events': 'read' } });
  const reply = await fetch(`${github.apiUrl}/repos/acme/app/code-scanning/alerts?per_page=100&ref=${encodeURIComponent(ref)}`, { headers: { authorization: `Bearer ${token}` } });
  const alerts = await reply.json() as readonly { readonly state: string; readonly rule: { readonly id: string } }[];
  return alerts.filter(({ state }) => state === 'open').map(({ rule }) => rule.id);
}
