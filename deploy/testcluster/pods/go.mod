module bellhop.dev/testcluster/pods

go 1.26
