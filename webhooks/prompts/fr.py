"""What our telephone lines say in French."""

SAID = {
    "welcome": "Bienvenue chez {firm}.",
    "last alert": "Voici votre dernière alerte.",
    "no alert": "Il n'y a pas d'alerte récente pour vous.",
    "speak": "Pour parler maintenant à {rep}, tapez 1.",
    "call back": "Pour être appelé par {rep}, tapez 1.",
    "leave": "Pour laisser une réponse, tapez 2.",
    "hear again": "Pour réécouter, tapez 3.",
    "no more": "Pour ne plus recevoir d'appels, tapez 9.",
    "nothing heard": "Nous n'avons reçu aucune touche.",
    "wrong key": "Cette touche n'a pas de fonction ici.",
    "connecting": "Merci. Nous vous mettons en relation avec {rep}. Restez en ligne, s'il vous plaît.",
    "will call": "Merci. Nous avons demandé à {rep} de vous appeler.",
    "not reached": "{rep} n'est pas joignable pour le moment ; nous lui avons demandé de vous rappeler.",
    "leave too": "Pour laisser aussi une réponse, tapez 2.",
    "record": "Votre réponse sera enregistrée. Parlez après le signal sonore, "
    "puis tapez une touche quand vous avez terminé.",
    "recorded": "Merci. Votre réponse est transmise à {rep}.",
    "silence": "Nous n'avons rien entendu.",
    "once more": "Encore une fois.",
    "enough": "Vous avez entendu ce message {times} fois.",
    "stopped": "C'est noté. Nous n'appellerons plus ce numéro.",
    "how to answer": "Pour répondre, appelez-nous au {line}.",
    "answer by rep": "Pour répondre, appelez {rep}.",
    "not valid": "Il n'y a plus rien à écouter ici. Pour toute question, appelez votre conseiller.",
    "unknown caller": "Bienvenue chez {firm}. Nous ne connaissons pas le numéro d'où vous appelez. "
    "Appelez votre conseiller, s'il vous plaît.",
    "staff welcome": "Bienvenue chez {firm}, sur la ligne du personnel.",
    "staff called": "Ici {firm}, pour le personnel.",
    "key number": "Veuillez composer le numéro de votre téléphone enregistré, avec l'indicatif du pays, puis la touche "
    "dièse.",
    "key pin": "Veuillez composer votre code secret, puis la touche dièse.",
    "pin wrong": "Ce n'était pas juste.",
    "pin locked": "Ce code est bloqué. Veuillez en choisir un autre sur la page de votre compte, ou demandez à "
    "l'administration.",
    "call again": "Cet appel est terminé. Veuillez rappeler.",
    "staff nothing": "Il n'y a rien pour vous sur cette ligne.",
    "goodbye": "Au revoir.",
}
