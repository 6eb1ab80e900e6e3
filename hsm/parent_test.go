package hsm_test

func runIfParent() {}
