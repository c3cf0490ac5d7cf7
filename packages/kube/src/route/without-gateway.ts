// SPDX-License-Identifier: Apache-2.0
// Splitting where there is no Gateway API: canary annotations of ingress-nginx, and plain numbers of pods. Both say what share they really give.
import { Failure, isJsonObject } from '@pratique/core';
import { fieldOf, listOf, textOf, type KubeObject } from '../client/object.ts';

const prefix = 'nginx.ingress.kubernetes.io';

/**
 * The Ingress beside `ingress` that sends `percent` of its traffic for `service` to `canary`
 * (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary). There can be only one canary for a rule, so
 * there is no baseline: it is judged against stable. Fails with `ROUTE_REFUSED` when no rule leads to the Service.
 */
export function makeCanaryIngress(ingress: KubeObject, options: { readonly service: string; readonly canary: string; readonly percent: number; readonly labels: Readonly<Record<string, string>> }): KubeObject {
  const { service, canary, percent, labels } = options;
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) throw new Failure({ code: 'INPUT_INVALID', message: `a canary cannot have ${percent} % of the traffic` });
  const rules = listOf(ingress, 'spec', 'rules').flatMap((rule) => {
    const paths = listOf(rule, 'http', 'paths').filter((path) => textOf(path, 'backend', 'service', 'name') === service);
    return paths.length === 0 ? [] : [{ ...rule, http: { paths: paths.map((path) => ({ ...path, backend: { service: { ...(fieldOf(path, 'backend', 'service') as object), name: canary } } })) } }];
  });
  if (rules.length === 0) throw new Failure({ code: 'ROUTE_REFUSED', message: `no rule of the Ingress ${ingress.metadata.name} leads to the Service "${service}"`, hint: 'Its default backend cannot be split.' });
  const inherited = Object.entries(ingress.metadata.annotations ?? {}).filter(([key]) => key.startsWith(`${prefix}/`) && !key.startsWith(`${prefix}/canary`));
  const spec = fieldOf(ingress, 'spec');
  return {
    apiVersion: ingress.apiVersion, kind: ingress.kind,
    metadata: { name: canary, ...(ingress.metadata.namespace === undefined ? {} : { namespace: ingress.metadata.namespace }), labels, annotations: { ...Object.fromEntries(inherited), [`${prefix}/canary`]: 'true', [`${prefix}/canary-weight`]: String(percent) } },
    spec: { ...(isJsonObject(spec) && spec['ingressClassName'] !== undefined ? { ingressClassName: spec['ingressClassName'] } : {}), rules },
  };
}

/** Pods of each arm when one Service spreads over all of them, and the share that each arm really gets. */
export interface ReplicaSplit {
  readonly pods: number;
  /** 0 to 1, when every pod gets the same. */
  readonly share: number;
  /** `1 pod beside 4: 16.7 % each, 10 % was asked`. */
  readonly words: string;
}

/** The number of pods that comes nearest to `percent` for each arm, at least 1; stable keeps its own. */
export function splitByReplicas(stable: number, percent: number): ReplicaSplit {
  if (!Number.isInteger(stable) || stable < 1 || !(percent > 0 && percent < 50)) throw new Failure({ code: 'INPUT_INVALID', message: `${stable} pods cannot be split so that each arm gets ${percent} %`, hint: 'At least one pod of stable, and more than 0 and less than 50 %.' });
  const shareOf = (pods: number): number => pods / (stable + 2 * pods);
  const exact = (stable * percent) / (100 - 2 * percent);
  const pods = [Math.floor(exact), Math.ceil(exact)].map((count) => Math.max(1, count)).reduce((best, count) => (Math.abs(shareOf(count) - percent / 100) < Math.abs(shareOf(best) - percent / 100) ? count : best));
  const shown = `${(100 * shareOf(pods)).toFixed(1)} %`;
  return { pods, share: shareOf(pods), words: `${pods} ${pods === 1 ? 'pod' : 'pods'} beside ${stable}: ${shown} each, ${percent} % was asked` };
}
