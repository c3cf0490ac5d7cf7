// SPDX-License-Identifier: Apache-2.0
// Asks a Service through the proxy of the API server (https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls).
import { kubeFailure, type Attempt } from './failure.ts';
import type { KubeTransport } from './transport.ts';

/** What a Service is asked. */
export interface ServiceRequest {
  readonly service: string;
  readonly port: number;
  /** With query. */
  readonly path: string;
  readonly tls: boolean;
}

const mostBytes = 4096;
const seconds = 5;
/** Whatever the program behind the proxy answers. */
const anyStatus = Array.from({ length: 300 }, (_, index) => 300 + index);

/** Asks; `placed` is the Service as an object of the API. Fails with `KUBE_FORBIDDEN` when the API server itself says so. */
export async function askThroughProxy(transport: KubeTransport, placed: Omit<Attempt, 'method'>, { service, port, path: asked, tls }: ServiceRequest): Promise<{ readonly status: number; readonly text: string }> {
  // Dots in what is asked must not lead to another part of the API.
  const { pathname, search } = new URL(asked, 'http://service');
  const path = `${placed.path.slice(0, placed.path.lastIndexOf('/'))}/${tls ? 'https' : 'http'}:${service}:${port}/proxy${pathname}${search}`;
  const call = { ...placed, path, resource: 'services/proxy', method: 'GET', accept: anyStatus, seconds };
  const answer = await transport.readText(call, mostBytes);
  if (answer.status === 403 && answer.text.includes('"kind":"Status"')) throw kubeFailure({ status: 403, headers: new Headers(), body: answer.text, now: transport.clock.now() }, call);
  return answer;
}
