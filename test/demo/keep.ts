// SPDX-License-Identifier: Apache-2.0
// `--keep`: the lab stays up, and here is how to use other programs against it.
import { once } from 'node:events';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

/** Prints how to use the lab, and waits for Ctrl-C. */
export async function keepRunning(story: Story, scene: Scene): Promise<void> {
  const { acr, caFile, sigstore, github } = scene.lab.addresses;
  const image = `${acr.loginServer}/acme/app`;
  const cluster = (await scene.cluster.begun())?.cluster;
  const identity = 'https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.0';
  story.say(`
  The lab runs until Ctrl-C. In another terminal:

    export SSL_CERT_FILE=${caFile} DOCKER_CONFIG=${scene.dockerConfig('gate')}
    oras discover ${image}:latest
    crane ls ${image}
    skopeo inspect --authfile $DOCKER_CONFIG/config.json docker://${image}:1.2.0
    cosign verify --trusted-root ${sigstore.trustedRoot.path} --use-signed-timestamps \\
      --certificate-oidc-issuer ${github.issuer} \\
      --certificate-identity ${identity} ${image}:1.2.0
    npm run --silent pratique -- tree ${image}:latest --trusted-root ${sigstore.trustedRoot.path} --registry-sign-in docker
    sudo mkdir -p /etc/docker/certs.d/${acr.loginServer} && sudo cp ${caFile} /etc/docker/certs.d/${acr.loginServer}/ca.crt
    docker pull ${image}:latest${cluster === undefined ? '' : `
    export KUBECONFIG=${cluster.kubeconfig}
    kubectl get pods,httproutes --namespace production
    npm run --silent pratique -- lab load ${cluster.gateway}/cgi-bin/ships --host harbour.example --rate 20 --seconds 10`}
  (npm and Node also want NODE_EXTRA_CA_CERTS=${caFile})
`);
  const held = setInterval(() => undefined, 60_000);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  clearInterval(held);
}
