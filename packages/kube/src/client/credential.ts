// SPDX-License-Identifier: Apache-2.0
// The Authorization header for a cluster: a fixed token, or what a credential plugin gives, kept until it ends
// (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/).
import { Failure, parseJsonObject, type Context, type TlsSettings } from '@pratique/core';
import type { ClusterAccess, CredentialPlugin } from './kubeconfig.ts';
import { textOf } from './object.ts';

/** What a call is made with. */
export interface Credential {
  readonly token?: string;
  /** A certificate that a plugin gave. */
  readonly client?: NonNullable<TlsSettings['client']>;
  /** Milliseconds since 1970; absent: does not end within a run. */
  readonly expiresAt?: number;
}

/** Gives the credential to use now; `renew` after a 401. */
export interface CredentialSource {
  current(): Promise<Credential>;
  /** Whether another credential may be had: then `current` gives a new one. */
  renew(): boolean;
}

type World = Pick<Context, 'exec' | 'mask' | 'clock'>;

/** The source for a context of a kubeconfig. Everything secret is masked before it is used. */
export function openCredential(access: ClusterAccess, world: World): CredentialSource {
  const { token, plugin, bearer } = access;
  if (bearer !== undefined) return { current: async () => ({ token: await bearer() }), renew: () => false };
  if (token !== undefined) world.mask(token);
  if (plugin === undefined) return { current: () => Promise.resolve(token === undefined ? {} : { token }), renew: () => false };
  let held: Promise<Credential> | undefined;
  return {
    async current() {
      const known = await held;
      // A minute early: a call that is under way must not outlive its token.
      if (known?.expiresAt !== undefined && known.expiresAt - 60_000 < world.clock.now().getTime()) held = undefined;
      const asked = (held ??= runPlugin(plugin, access, world));
      asked.catch(() => (held = undefined));
      return asked;
    },
    renew() {
      held = undefined;
      return true;
    },
  };
}

async function runPlugin(plugin: CredentialPlugin, access: ClusterAccess, world: World): Promise<Credential> {
  const info = {
    apiVersion: plugin.apiVersion, kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.provideClusterInfo ? { cluster: { server: access.server, ...(access.tls.authorities === undefined ? {} : { 'certificate-authority-data': Buffer.from(access.tls.authorities).toString('base64') }) } } : {}) },
  };
  const refuse = (message: string, cause?: unknown): Failure => new Failure({
    code: 'KUBE_UNAUTHORIZED', message: `the credential plugin ${plugin.command} ${message}`, hint: plugin.installHint || `Run it by hand to see why: ${[plugin.command, ...plugin.args].join(' ')}`, ...(cause === undefined ? {} : { cause }),
  });
  const result = await world.exec.run({ file: plugin.command, args: plugin.args, env: { ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) }, timeoutSeconds: 60 });
  // Standard output may hold a token also when it ends badly: only standard error is shown.
  if (result.exitCode !== 0) throw refuse(`ended with ${result.exitCode}: ${result.stderr.trim().split('\n').slice(-3).join(' ').slice(0, 500)}`);
  const answer = parseJsonObject(result.stdout, `what ${plugin.command} printed`, 'KUBE_UNAUTHORIZED');
  const token = textOf(answer, 'status', 'token');
  const certificate = textOf(answer, 'status', 'clientCertificateData');
  const key = textOf(answer, 'status', 'clientKeyData');
  const expiry = textOf(answer, 'status', 'expirationTimestamp');
  if (answer['kind'] !== 'ExecCredential' || (token === '' && (certificate === '' || key === ''))) throw refuse('gave no credential');
  for (const secret of [token, key]) if (secret !== '') world.mask(secret);
  return {
    ...(token === '' ? {} : { token }), ...(certificate === '' || key === '' ? {} : { client: { certificate, key } }),
    ...(Number.isNaN(Date.parse(expiry)) ? {} : { expiresAt: Date.parse(expiry) }),
  };
}
