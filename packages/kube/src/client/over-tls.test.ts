// SPDX-License-Identifier: Apache-2.0
// The client over real TLS: a server with an authority of its own that asks for client certificates.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createNodeContext, type NodeContext } from '@pratique/host';
import { createAuthority, type Authority } from '@pratique/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectCluster, type Cluster } from './cluster.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { kinds } from './object.ts';

let authority: Authority;
let other: Authority;
let server: Server;
let port: number;
let ctx: NodeContext;
const authorizations: (string | undefined)[] = [];
let certificate: { key: string; certificate: string };

beforeAll(async () => {
  [authority, other] = [await createAuthority(), await createAuthority()];
  const serving = await authority.issue(['localhost']);
  certificate = await authority.issueClient('ci', 'deployers');
  server = createServer({ key: serving.key, cert: serving.certificate, ca: authority.certificate, requestCert: true, rejectUnauthorized: false }, (req, res) => {
    authorizations.push(req.headers.authorization);
    res.setHeader('content-type', 'application/json');
    if (!(req.socket as TLSSocket).authorized) return res.writeHead(401).end('{"kind":"Status","message":"Unauthorized"}');
    if (req.url === '/api/v1') return res.end('{"kind":"APIResourceList","resources":[{"name":"configmaps","kind":"ConfigMap","namespaced":true}]}');
    if (req.url?.includes('watch=true')) return void res.write('{"type":"ADDED","object":{"metadata":{"name":"live","resourceVersion":"2"}}}\n');
    if (req.url?.includes('/slow')) return undefined;
    if (req.url?.includes('limit=')) return res.end('{"metadata":{"resourceVersion":"1"},"items":[]}');
    return req.method === 'POST' ? req.pipe(res.writeHead(201)) : res.end('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  ctx = await createNodeContext({ env: { PATH: process.env['PATH'] ?? '' } });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await ctx.close();
});

const connect = (changes: Partial<ClusterAccess> = {}, signal: AbortSignal = ctx.signal): Cluster => {
  const tls = { authorities: authority.certificate, client: certificate };
  return connectCluster({ context: 'c', server: `https://localhost:${port}`, namespace: 'web', tls, ...changes }, { ...ctx, signal, clock: { now: () => new Date(), sleep: () => Promise.resolve() } });
};

describe('over TLS', () => {
  test('a client certificate is shown, the authority of the cluster is believed, a body arrives', async () => {
    expect((await connect().get({ ...kinds.configMap, name: 'a' }))?.metadata.name).toBe('a');
    expect((await connect().create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' }, data: { k: 'é' } }))['data']).toEqual({ k: 'é' });
  });
  test('a token is sent', async () => {
    await connect({ token: 'token-of-a-test' }).get({ ...kinds.configMap, name: 'a' });
    expect(authorizations.at(-1)).toBe('Bearer token-of-a-test');
  });
  test.each<[string, () => Partial<ClusterAccess>, string]>([
    ['an authority that did not issue it', () => ({ tls: { authorities: other.certificate, client: certificate } }), 'KUBE_PROTOCOL'],
    ['no authority but those of the machine', () => ({ tls: { client: certificate } }), 'KUBE_PROTOCOL'],
    ['another name than its certificate has', () => ({ server: `https://127.0.0.1:${port}` }), 'KUBE_PROTOCOL'],
    ['no client certificate', () => ({ tls: { authorities: authority.certificate } }), 'KUBE_UNAUTHORIZED'],
    ['a port where nobody listens', () => ({ server: 'https://localhost:1' }), 'KUBE_UNAVAILABLE'],
  ])('%s is refused, and no token was sent before', async (_, changes, code) => {
    const before = authorizations.length;
    await expect(connect({ token: 'token-of-a-test', ...changes() }).get({ ...kinds.configMap, name: 'a' })).rejects.toMatchObject({ code });
    if (code === 'KUBE_PROTOCOL') expect(authorizations).toHaveLength(before);
  });
  test('a server that goes by another name is reached by that name', async () => {
    const tls = { authorities: authority.certificate, client: certificate, serverName: 'localhost' };
    expect(await connect({ server: `https://127.0.0.1:${port}`, tls }).get({ ...kinds.configMap, name: 'a' })).toBeDefined();
  });
  test('a watch gives events while the connection is open, and ends with its signal', async () => {
    const end = new AbortController();
    const seen: string[] = [];
    for await (const change of connect().watch(kinds.configMap, { signal: end.signal })) {
      seen.push(change.type);
      if (change.type === 'changed') end.abort();
    }
    expect(seen).toEqual(['listed', 'changed']);
  });
  test('a call that hangs ends when the run is cancelled', async () => {
    const run = new AbortController();
    const call = connect({}, run.signal).get({ ...kinds.configMap, name: 'slow' });
    setTimeout(() => run.abort(), 50);
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
