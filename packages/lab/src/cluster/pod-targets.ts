// SPDX-License-Identifier: Apache-2.0
// Which pods Prometheus scrapes: those that ask for it by the usual annotations. It is told by a file, since Debian's Prometheus is built without its own discovery of Kubernetes.
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type JsonObject } from '@pratique/core';
import type { Api } from './api.ts';
import { nodeName } from './component.ts';

const everyMillis = 500;
const annotation = (name: string): string => `prometheus.io/${name}`;

/** Targets for `file_sd_configs`, from a list of pods: the port and path of the annotations, or else each port that containers declare and /metrics; labels `namespace` and `pod`. */
export function podTargets(list: unknown): string {
  const groups = itemsOf(list, 'items').flatMap((pod) => {
    const { name, namespace, annotations } = objectOf(pod, 'metadata');
    const { podIP, phase } = objectOf(pod, 'status');
    const asked: JsonObject = isJsonObject(annotations) ? annotations : {};
    if (asked[annotation('scrape')] !== 'true' || typeof podIP !== 'string' || phase === 'Succeeded' || phase === 'Failed') return [];
    const declared = itemsOf(objectOf(pod, 'spec'), 'containers').flatMap((container) => itemsOf(container, 'ports')).map((port) => port['containerPort']);
    const ports = [asked[annotation('port')] ?? declared].flat();
    const path = asked[annotation('path')];
    return [{ targets: ports.map((port) => `${podIP}:${String(port)}`), labels: { namespace, pod: name, ...(path !== undefined && { __metrics_path__: path }) } }];
  });
  return `${JSON.stringify(groups)}\n`;
}

/** Keeps telling which targets there are, when they change. `stop` closes the API as well. */
export function followPods(api: Api, tell: (targets: string) => Promise<void>): { stop(): Promise<void> } {
  const end = new AbortController();
  let told = '';
  const look = async (): Promise<void> => {
    const { status, body } = await api.get(`/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`);
    const targets = podTargets(body);
    if (status !== 200 || targets === told) return;
    await tell(targets);
    told = targets;
  };
  const follow = async (): Promise<void> => {
    while (!end.signal.aborted) {
      // As long as nobody answers, the last targets hold.
      await look().catch(() => undefined);
      await sleep(everyMillis, undefined, { signal: end.signal }).catch(() => undefined);
    }
  };
  const ended = follow();
  return {
    stop() {
      end.abort();
      api.close();
      return ended;
    },
  };
}

function objectOf(value: JsonObject, key: string): JsonObject {
  const found = value[key];
  return isJsonObject(found) ? found : {};
}

function itemsOf(value: unknown, key: string): readonly JsonObject[] {
  const found = isJsonObject(value) ? value[key] : undefined;
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
}
