// SPDX-License-Identifier: Apache-2.0
// Objects as a minimal Helm chart, so that an arm is a release of its own: listed, upgraded and uninstalled by helm.
import type { Files } from '@pratique/core';
import type { KubeObject } from '../client/object.ts';

/** What the chart says of itself. */
export interface ChartFace {
  /** Lower case letters, digits and dashes. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** For people: the digest, or the version of the image. */
  readonly appVersion: string;
}

/** The files of the chart by path. Nothing in the objects is taken for a template. */
export function wrapChart(objects: readonly KubeObject[], face: ChartFace): Readonly<Record<string, string>> {
  // JSON is YAML; `{{` appears in it only inside strings, where an action that prints it stands for it.
  const documents = objects.map((object) => `---\n${JSON.stringify(object).replaceAll('{{', '{{"{{"}}')}\n`);
  return { 'Chart.yaml': `${JSON.stringify({ apiVersion: 'v2', type: 'application', ...face })}\n`, 'templates/objects.yaml': documents.join('') };
}

/** Writes the chart into `folder`, which is emptied first, and returns the folder. */
export async function writeChart(files: Files, folder: string, chart: Readonly<Record<string, string>>): Promise<string> {
  await files.remove(folder);
  for (const [path, content] of Object.entries(chart)) await files.write(`${folder}/${path}`, content);
  return folder;
}
