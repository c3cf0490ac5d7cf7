// SPDX-License-Identifier: Apache-2.0
// The lab's CA certificate and the one server certificate that all its servers share, kept so that a restarted lab is still trusted.
import { X509Certificate } from 'node:crypto';
import type { KeyStore } from './key-store.ts';

/** PEM, all three. */
export interface ServerCertificate {
  /** PEM of the root that clients are told to trust. */
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
}

const renewBeforeMillis = 30 * 86_400_000;

/** The kept certificate for these names, or a new one (with a new root) when there is none or it ends within 30 days. */
export async function keepServerCertificate(store: KeyStore, names: readonly string[], now: Date): Promise<ServerCertificate> {
  for (let version = 1; ; version += 1) {
    const kept = JSON.parse(await store.keep(`tls ${names.join(' ')} ${version}`, () => issue(names))) as ServerCertificate;
    if (new X509Certificate(kept.certificate).validToDate.getTime() - now.getTime() > renewBeforeMillis || version > 20) return kept;
  }
}

async function issue(names: readonly string[]): Promise<string> {
  const { createAuthority } = await import('./authority.ts');
  const authority = await createAuthority();
  return JSON.stringify({ authority: authority.certificate, ...(await authority.issue([...names])) } satisfies ServerCertificate);
}
