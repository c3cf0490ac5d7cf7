module pratique.dev/tools/canary-app

go 1.26.0
