// SPDX-License-Identifier: Apache-2.0
// Whether a Service answers through the cluster's network, before any user is sent to it: its selector, its ports, and the way to the pods.
import { Failure, type Clock } from '@pratique/core';
import type { Cluster } from '../client/cluster.ts';
import type { ServiceRequest } from '../client/service-proxy.ts';
import { clean } from '../diagnosis/clean.ts';
import { fieldOf, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import type { ArmWorkload } from '../workload/arm.ts';

/** What the Service of an arm is asked: what its readiness probe asks when that is on the same port, else `/`. `undefined` when it does not speak HTTP/1. */
export function requestTo({ objects, service: name, deployment }: Pick<ArmWorkload, 'objects' | 'service' | 'deployment'>): ServiceRequest | undefined {
  const find = (kind: string, wanted: string): KubeObject | undefined => objects.find((object) => object.kind === kind && object.metadata.name === wanted);
  const port = listOf(find('Service', name), 'spec', 'ports')[0];
  const protocol = textOf(port, 'appProtocol');
  if (port === undefined || /h2c|grpc|tcp/i.test(protocol) || (textOf(port, 'protocol') || 'TCP') !== 'TCP') return undefined;
  const containers = listOf(find('Deployment', deployment), 'spec', 'template', 'spec', 'containers');
  const number = numberOf(port, 'port') ?? 80;
  const target = numberOfPort(containers, fieldOf(port, 'targetPort') ?? number);
  const probe = containers.map((container) => fieldOf(container, 'readinessProbe', 'httpGet')).find((asked) => asked !== undefined && numberOfPort(containers, fieldOf(asked, 'port')) === target);
  return { service: name, port: number, path: textOf(probe, 'path') || '/', tls: textOf(probe, 'scheme') === 'HTTPS' || /^https$/i.test(protocol) };
}

/** Ports of containers may go by name. */
function numberOfPort(containers: ReturnType<typeof listOf>, port: unknown): number | undefined {
  if (typeof port === 'number') return port;
  return containers.flatMap((container) => listOf(container, 'ports')).filter((known) => known['name'] === port).map((known) => numberOf(known, 'containerPort'))[0];
}

const tries = 5;
const pauseSeconds = 2;

/** Asks until something answers below 500, at most half a minute. Fails with `CANARY_UNREACHABLE`, and with `KUBE_FORBIDDEN` when it may not ask. */
export async function requireAnswer(cluster: Pick<Cluster, 'askService'>, request: ServiceRequest, { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { status, text } = await cluster.askService(request);
    if (status < 500) return;
    if (attempt === tries) {
      const said = clean(text, [], 300);
      throw new Failure({
        code: 'CANARY_UNREACHABLE', message: `the Service ${request.service} does not answer GET ${request.path} at port ${request.port} through the cluster: ${status}${said === '' ? '' : `: ${said}`}`,
        hint: `Compare port and targetPort with what the program listens on, and look for network policies that know only the labels of stable. The same of stable: kubectl get --raw "/api/v1/namespaces/NAMESPACE/services/SERVICE:PORT/proxy${request.path}"`,
        facts: { service: request.service, port: request.port, path: request.path, status },
      });
    }
    await clock.sleep(pauseSeconds, signal);
  }
}
