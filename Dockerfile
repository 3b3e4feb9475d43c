# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npx tsc -p tsconfig.json && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build --chown=root:root /app/package.json ./package.json
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist/src ./dist/src
RUN mkdir -p /etc/relevo /var/lib/relevo && chown node:node /var/lib/relevo
USER node
# SIP; the control API; the RTP range is the configuration's media.ports and is best published with --network host.
EXPOSE 5060/udp 5060/tcp 8080/tcp
VOLUME ["/etc/relevo", "/var/lib/relevo"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.RELEVO_URL ? process.env.RELEVO_URL + '/healthz' : 'http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/src/cli/relevo.js"]
CMD ["start", "--config", "/etc/relevo/relevo.yaml"]
