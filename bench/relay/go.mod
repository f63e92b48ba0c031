module relayload

go 1.21
