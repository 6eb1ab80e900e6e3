package report

// DifferentKeys lists the message keys that only one language has.
func DifferentKeys() (keys []string) {
	id, errID := WordsIn(Indonesian)
	en, errEN := WordsIn(English)
	if errID != nil || errEN != nil {
		return []string{"unreadable"}
	}
	for k := range id {
		if _, ok := en[k]; !ok {
			keys = append(keys, k)
		}
	}
	for k := range en {
		if _, ok := id[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}
